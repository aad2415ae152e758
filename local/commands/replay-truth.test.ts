import { describe, expect, it } from 'vitest';
import { judge, linesOf, type JudgedEvent } from './replay-judge.ts';
import { truthOf, type Visit } from './replay-truth.ts';

const visit = (startS: number, endS: number, label = 'person', atOnce = 1): Visit => ({
  label,
  startMs: 1000 * startS,
  endMs: 1000 * endS,
  atOnce,
});
const event = (startS: number, endS: number, tracks = 1, label = 'person'): JudgedEvent => ({
  labels: [label],
  startMs: 1000 * startS,
  endMs: 1000 * endS,
  tracks: Array.from({ length: tracks }, () => ({ label, startMs: 1000 * startS, endMs: 1000 * endS })),
});

describe('a ground truth', () => {
  it('is read from JSON and from lines of visits alike', () => {
    const json = JSON.stringify({ v: 1, visits: [{ label: 'car', startMs: 1500, endMs: 4000 }] });
    expect(truthOf(json, 'a.json')).toEqual([visit(1.5, 4, 'car')]);
    expect(truthOf('label,start_s,end_s\r\ncar,1.5,4\r\n\r\n', 'a.csv')).toEqual([visit(1.5, 4, 'car')]);
  });

  it('is made of the objects of each frame: pauses bridged, glimpses and unsure sights left out', () => {
    const rows = Array.from({ length: 200 }, (_, frame) => {
      const second = frame / 10;
      const objects = [
        ...((second >= 1 && second < 3) || (second >= 4.5 && second < 6) ? ['0:0.80:1 2 3 4'] : []),
        ...(second >= 2 && second < 2.5 ? ['0:0.70:9 2 3 4'] : []),
        ...(second >= 9 && second < 9.3 ? ['0:0.90:1 2 3 4'] : []),
        ...(second >= 12 && second < 14 ? ['car:0.45:1 2 3 4'] : []),
        ...(second >= 17 && second < 19 ? ['2:0.75:1 2 3 4'] : []),
      ];
      return `${frame},${second.toFixed(3)},${objects.length},${objects.join(';')}`;
    });
    const text = ['frame,time_s,n,dets(class:score:x y w h)', ...rows].join('\n');
    expect(truthOf(text, 'a.csv')).toEqual([visit(1, 5.9, 'person', 2), visit(17, 18.9, 'car')]);
  });

  it.each([
    ['', /first line/],
    ['a,b\n', /first line/],
    ['{', /not JSON/],
    ['{"v":1,"visits":[{"label":"car"}]}', /visits\.0\.startMs/],
    ['{"v":1,"visits":[{"label":"car","startMs":5,"endMs":4}]}', /visit 1/],
    ['label,start_s,end_s\ncar,1,2\ncar,3', /line 3/],
    ['label,start_s,end_s\ncar,3,2', /line 2/],
    ['frame,time_s,n,dets\n0,x,0,', /line 2.*time/],
    ['frame,time_s,n,dets\n0,0.1,1,999:0.5:1 1 1 1', /line 2.*class:score/],
  ])('that is malformed is refused with its place: %j', (text, sentence) => {
    expect(() => truthOf(text, 'truth.csv')).toThrow(sentence);
  });
});

describe('a judgement', () => {
  it('of events that are right says so', () => {
    const found = judge('yard', [event(1.2, 5), event(10, 14)], [visit(1, 5.5), visit(10, 15)], 60_000);
    expect(found).toEqual({
      camera: 'yard',
      visits: 2,
      told: 2,
      own: 2,
      events: 2,
      falseEvents: 0,
      falseEventsPerHour: 0,
      recall: 1,
      precision: 1,
      startError: { medianMs: 200, worstMs: 200 },
      endError: { medianMs: 1000, worstMs: 1000 },
      identitySwitches: 0,
    });
    expect(linesOf(found)[0]).toBe('yard: 2 of 2 visits told, 2 as events of their own');
  });

  it('counts what is missed, false, of another label, joined and taken for another', () => {
    const visits = [visit(1, 5), visit(10, 15), visit(30, 35), visit(40, 45, 'person', 2)];
    const events = [event(1, 15, 2), event(20, 21), event(30, 35, 1, 'car'), event(40, 45, 4)];
    expect(judge('yard', events, visits, 60_000)).toMatchObject({
      told: 3,
      own: 1,
      falseEvents: 2,
      falseEventsPerHour: 120,
      recall: 0.75,
      precision: 0.5,
      identitySwitches: 4,
    });
  });

  it('of nothing in an empty recording is no fault', () => {
    expect(judge('yard', [], [], 0)).toMatchObject({
      recall: 1,
      precision: 1,
      startError: { medianMs: null },
    });
  });
});
