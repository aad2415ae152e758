import { agentHealth, parseMessage, type AgentHealth } from '@faascam/core/messages';
import { expect, it } from 'vitest';
import { cameraViews, newestReports } from './camera-view.ts';

const NOW_US = 1_700_000_000_000_000;

function healthOf(agent: string, ageMs: number, cameras: Record<string, string | undefined>): AgentHealth {
  const atUs = NOW_US - ageMs * 1000;
  return {
    v: 1,
    agent,
    atUs,
    software: 'test',
    cameras: Object.fromEntries(
      Object.entries(cameras).map(([id, cause]) => [
        id,
        {
          state: cause === undefined ? 'streaming' : 'waiting',
          ...(cause === undefined ? {} : { cause }),
          framesPublished: 1,
          framesDropped: 0,
          ...(cause === undefined ? { lastFrameAtUs: atUs } : {}),
          restarts: 0,
          ring: { segments: 1, bytes: 2, spanMs: 3 },
        },
      ]),
    ),
  };
}

it('cameras of all agents are one list by name, with their state and its cause', () => {
  const views = cameraViews(
    [healthOf('b', 1000, { yard: undefined }), healthOf('a', 0, { gate: 'No route.' })],
    NOW_US,
  );
  expect(views).toMatchObject([
    { id: 'gate', agent: 'a', state: 'waiting', cause: 'No route.', lastFrameAgeMs: undefined },
    { id: 'yard', agent: 'b', state: 'streaming', cause: undefined, lastFrameAgeMs: 1000 },
  ]);
});

it('a report of up to ten seconds ago counts, an older one means offline', () => {
  const stateAt = (ageMs: number) =>
    cameraViews([healthOf('a', ageMs, { yard: undefined })], NOW_US)[0]?.state;
  expect(stateAt(10_000)).toBe('streaming');
  expect(stateAt(10_001)).toBe('offline');
  expect(cameraViews([healthOf('a', 7_200_000, { yard: undefined })], NOW_US)[0]?.cause).toMatch(/2 h ago/);
});

it('a camera that has moved to another agent is as the newer report has it', () => {
  const old = healthOf('old', 60_000, { yard: 'Gone.' });
  const now = healthOf('new', 500, { yard: undefined });
  for (const healths of [
    [old, now],
    [now, old],
  ]) {
    expect(cameraViews(healths, NOW_US)).toMatchObject([{ agent: 'new', state: 'streaming' }]);
    expect(newestReports(healths).get('yard')?.agent).toBe('new');
  }
});

it('a camera that nobody reports is not there, whatever it is called', () => {
  const reports = newestReports([healthOf('a', 0, { yard: undefined })]);
  for (const name of ['gate', 'constructor', '__proto__', 'toString'])
    expect(reports.get(name)).toBeUndefined();
});

it('what a camera costs and drops is told, also by an agent that does not know of it', () => {
  const health = healthOf('a', 0, { yard: undefined });
  expect(cameraViews([health], NOW_US)).toMatchObject([{ decoding: undefined, dropped: [] }]);
  const [yard] = Object.values(health.cameras);
  Object.assign(yard ?? {}, {
    decoding: { mode: 'all', hardware: 'vaapi' },
    framesDroppedFor: { behind: 2, 'too-large': 5 },
    bytesSentLastHour: 7,
  });
  expect(cameraViews([health], NOW_US)).toMatchObject([
    {
      decoding: 'all by vaapi',
      bytesSentLastHour: 7,
      dropped: [
        { reason: 'too-large', frames: 5 },
        { reason: 'behind', frames: 2 },
      ],
    },
  ]);
});

it('a state of a newer agent is read as waiting, with its cause', () => {
  const text = JSON.stringify(healthOf('a', 0, { gate: 'It sleeps.' })).replace('"waiting"', '"sleeping"');
  expect(cameraViews([parseMessage(agentHealth, text, 'health')], NOW_US)).toMatchObject([
    { state: 'waiting', cause: 'It sleeps.' },
  ]);
});

it('a clock that is ahead does not make a picture come from the future', () => {
  expect(cameraViews([healthOf('a', -5000, { yard: undefined })], NOW_US)[0]?.lastFrameAgeMs).toBe(0);
});
