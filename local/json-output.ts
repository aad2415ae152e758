import { writeFile } from 'node:fs/promises';
import { FaascamError, systemCodeOf } from '@faascam/core/errors';
import { print } from './terminal.ts';

/** Writes a report as one line of JSON to a file, or to stdout for `-`. Throws `FaascamError` `report-not-written`. */
export async function writeJson(report: unknown, target: string): Promise<void> {
  const line = JSON.stringify(report);
  if (target === '-') {
    print(line);
    return;
  }
  try {
    await writeFile(target, `${line}\n`);
  } catch (cause) {
    throw new FaascamError(
      'report-not-written',
      `The report ${target} cannot be written (${systemCodeOf(cause) ?? 'unknown fault'}): check the path.`,
      { cause },
    );
  }
}
