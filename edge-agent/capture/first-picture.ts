import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The time of the first picture in a file, in microseconds of the stream's time; undefined when it cannot be told. */
export async function firstPictureUs(path: string): Promise<number | undefined> {
  const entries = ['-select_streams', 'v:0', '-show_entries', 'packet=pts_time', '-read_intervals', '%+#1'];
  try {
    const { stdout } = await run('ffprobe', ['-v', 'error', ...entries, '-of', 'csv=p=0', path]);
    const seconds = Number.parseFloat(stdout);
    return Number.isFinite(seconds) ? Math.round(seconds * 1e6) : undefined;
  } catch {
    return undefined; // it will be looked at again when a clip is made of it
  }
}
