import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, systemCodeOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { z } from 'zod';
import { unlessDiskFull } from './disk-full.ts';
import type { SegmentTimes } from './segment.ts';

const run = promisify(execFile);

const OFFSET_FILE = 'offset.json';
const offsetFile = z.object({ offsetUs: z.number().int(), epoch: z.number().int().nonnegative().default(0) });
type Offset = z.infer<typeof offsetFile>;
const probed = z.object({
  packets: z.array(
    z.object({ pts_time: z.coerce.number().optional(), duration_time: z.coerce.number().optional() }),
  ),
});

/** Notes how the session's stream time lies to capture time, and in which epoch, for `recoverSegments` after a crash. */
export async function noteOffset(session: string, offsetUs: number, epoch = 0): Promise<void> {
  await unlessDiskFull(() => writeFile(join(session, OFFSET_FILE), JSON.stringify({ offsetUs, epoch })));
}

/**
 * Saves what ffmpeg had written when the agent was killed or the power went: segments that were never taken into the
 * ring, the last one torn. `keep` gets each that still shows a picture; the rest and the sessions' directories go.
 */
export async function recoverSegments(options: {
  incoming: string;
  log: Logger;
  keep: (file: string, times: SegmentTimes) => Promise<void>;
}): Promise<void> {
  const { incoming, log } = options;
  for (const session of await namesIn(incoming)) {
    const directory = join(incoming, session);
    const offset = await offsetOf(directory);
    let recovered = 0;
    for (const name of (await namesIn(directory)).filter((name) => name.endsWith('.mkv'))) {
      const times = offset === undefined ? undefined : await timesOf(join(directory, name), offset);
      if (times === undefined) continue;
      await options.keep(join(directory, name), { ...times, joinsPrevious: true });
      recovered += 1;
    }
    await rm(directory, { recursive: true, force: true });
    log.info({ recovered }, 'Footage of a session that was cut off was looked through.');
  }
}

async function offsetOf(directory: string): Promise<Offset | undefined> {
  try {
    return offsetFile.parse(JSON.parse(await readFile(join(directory, OFFSET_FILE), 'utf8')));
  } catch {
    return undefined; // cut off before its times were known
  }
}

async function timesOf(
  file: string,
  { offsetUs, epoch }: Offset,
): Promise<Omit<SegmentTimes, 'joinsPrevious'> | undefined> {
  const args = ['-v', 'quiet', '-select_streams', 'v:0', '-show_entries', 'packet=pts_time,duration_time'];
  try {
    const { stdout } = await run('ffprobe', [...args, '-of', 'json', file], { maxBuffer: 64 * 1024 * 1024 });
    const packets = probed.parse(JSON.parse(stdout)).packets;
    const spans = packets.flatMap(({ pts_time: start, duration_time: duration }) =>
      start === undefined ? [] : [{ start, end: start + (duration ?? 0) }],
    );
    if (spans.length < 2) return undefined;
    const startUs = Math.round((spans[0]?.start ?? 0) * 1e6) + offsetUs;
    const endUs = Math.round(Math.max(...spans.map(({ end }) => end)) * 1e6) + offsetUs;
    return endUs > startUs ? { startUs, endUs, epoch } : undefined;
  } catch (error) {
    // A file that breaks off in its header cannot be read at all, that is no fault of ours.
    if (systemCodeOf(error) === 'ENOENT')
      throw new Error(`ffprobe is missing: ${messageOf(error)}`, { cause: error });
    return undefined;
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
