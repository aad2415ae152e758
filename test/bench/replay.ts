import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoVideo } from '@faascam/local/demo/video';
import { replayReport } from '@faascam/local/replay-report';
import { atMost, type Figure } from './figures.ts';

/** Real footage is 139 s of 768x432@10; the bar for it is 35 s on two cores. */
const LIMIT_S = 35;

/** How long a whole replay takes, from the command's start to its report, and what it is on one core alone. */
export async function benchReplay(model: string, scratch: string): Promise<Figure[]> {
  const footage = new URL('../../../../shared/data/videos/one-by-one-person-detection.mp4', import.meta.url)
    .pathname;
  const real = existsSync(footage);
  const video = real ? footage : await demoVideo(scratch);
  const all = replayed([], video, model, join(scratch, 'replayed'));
  // Which core is no matter, but it must be one that this process may use.
  const one = replayed(['taskset', '-c', firstCore()], video, model, join(scratch, 'replayed-on-one'));
  return [
    atMost(`replay of ${real ? 'real footage' : 'the demo scene'}, all in all`, all.seconds, 's', LIMIT_S),
    { name: 'frames a second of the whole pipeline', value: all.frames / all.seconds, unit: '' },
    { name: 'frames a second of it on one core', value: one.frames / one.seconds, unit: '' },
    { name: 'events', value: all.events, unit: '' },
    {
      name: 'events on one core',
      value: one.events,
      unit: '',
      aim: String(all.events),
      met: one.events === all.events,
    },
  ];
}

function replayed(
  before: readonly string[],
  video: string,
  model: string,
  data: string,
): { seconds: number; frames: number; events: number } {
  const program = new URL('../../../bin/faascam.js', import.meta.url).pathname;
  const [command = '', ...args] = [
    ...[...before, process.execPath, program, 'replay', video],
    ...['--model', model, '--data', data, '--json', '-'],
  ];
  const begun = performance.now();
  const output = execFileSync(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const seconds = (performance.now() - begun) / 1000;
  const { frames, events } = replayReport.parse(JSON.parse(output.toString()));
  return { seconds, frames, events: events.length };
}

function firstCore(): string {
  const allowed = /Cpus_allowed_list:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
  return allowed?.[1] ?? '0';
}
