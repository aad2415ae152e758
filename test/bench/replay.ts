import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { demoVideo } from '@faascam/local/demo/video';
import { replayReport } from '@faascam/local/replay-report';
import { atMost, type Figure } from './figures.ts';

/** Real footage is 139 s of 768x432@10; the bar for it is 35 s on two cores. */
const LIMIT_S = 35;

/** How long a whole replay takes, from the command's start to its report. */
export async function benchReplay(model: string, scratch: string): Promise<Figure[]> {
  const footage = new URL('../../../../shared/data/videos/one-by-one-person-detection.mp4', import.meta.url)
    .pathname;
  const real = existsSync(footage);
  const video = real ? footage : await demoVideo(scratch);
  const program = new URL('../../../bin/faascam.js', import.meta.url).pathname;
  const begun = performance.now();
  const args = [
    program,
    'replay',
    video,
    '--model',
    model,
    '--data',
    join(scratch, 'replayed'),
    '--json',
    '-',
  ];
  const output = execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const seconds = (performance.now() - begun) / 1000;
  const { frames, events } = replayReport.parse(JSON.parse(output.toString()));
  return [
    atMost(`replay of ${real ? 'real footage' : 'the demo scene'}, all in all`, seconds, 's', LIMIT_S),
    { name: 'frames a second of the whole pipeline', value: frames / seconds, unit: '' },
    { name: 'events', value: events.length, unit: '' },
  ];
}
