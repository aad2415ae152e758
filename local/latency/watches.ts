import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { systemClock } from '@faascam/core/clock';
import { isMissing } from '@faascam/core/durable-file';
import { messageOf } from '@faascam/core/errors';
import type { Messaging } from '@faascam/core/messaging';
import { headers, subjects } from '@faascam/core/subjects';
import { parseSegmentName } from '@faascam/edge-agent/ring/segment';
import { openInput } from '@faascam/edge-agent/sources/input';
import { parseSource } from '@faascam/edge-agent/sources/source';
import { readTimeCode } from '../time-code.ts';
import { greyPictures } from './grey-pictures.ts';
import type { LatencySamples } from './samples.ts';

/** Reading a code holds up the arrival of the next picture, so that not every picture is looked at. */
const LOOK_EVERY_US = 80_000;
const LOOK_INTO_RING_MS = 50;

/** Frames as the functions get them. Resolves when the signal is aborted. */
export async function watchFrames(
  messaging: Messaging,
  camera: string,
  { samples, signal }: { samples: LatencySamples; signal: AbortSignal },
): Promise<undefined> {
  let reading: Promise<unknown> = Promise.resolve();
  messaging.nc.subscribe(subjects.frames(camera), {
    callback: (error, message) => {
      const seenUs = systemClock.nowUs();
      if (error !== null || message.headers?.get(headers.kind) === 'lost') return;
      const jpeg = Buffer.from(message.data);
      reading = reading
        .then(async () => {
          const grey = sharp(jpeg).toColourspace('b-w').raw();
          const { data, info } = await grey.toBuffer({ resolveWithObject: true });
          const codeUs = readTimeCode({ data, width: info.width, height: info.height });
          if (codeUs !== undefined) samples.add(codeUs, seenUs);
        })
        // No JPEG after all: there will be others.
        .catch(() => undefined);
    },
  });
  await aborted(signal);
  await reading;
  return undefined;
}

/** Pictures once their segment is closed and lies in the ring. Resolves when the signal is aborted, or without a ring. */
export async function watchRing(
  ringDirectory: string,
  { samples, signal }: { samples: LatencySamples; signal: AbortSignal },
): Promise<undefined> {
  const known = new Set(await segmentsIn(ringDirectory));
  while (!signal.aborted) {
    const fresh = (await segmentsIn(ringDirectory)).filter((name) => !known.has(name));
    const seenUs = systemClock.nowUs();
    for (const name of fresh) {
      known.add(name);
      // Its keyframes, first of all the oldest picture in it, which has waited longest for the segment's end.
      const args = [
        '-protocol_whitelist',
        'file',
        '-skip_frame',
        'nokey',
        '-i',
        `file:${join(ringDirectory, name)}`,
      ];
      await greyPictures({ args }, signal, (picture) => {
        const codeUs = readTimeCode(picture);
        if (codeUs !== undefined) samples.add(codeUs, seenUs);
      });
    }
    await systemClock.sleep(LOOK_INTO_RING_MS, signal).catch(() => undefined);
  }
  return undefined;
}

/**
 * Pictures of an address that faascam takes as a source, decoded as they come. Resolves when the signal is aborted, or with
 * why there is nothing to see.
 */
export async function watchSource(
  address: string,
  { samples, signal }: { samples: LatencySamples; signal: AbortSignal },
): Promise<string | undefined> {
  try {
    const settings = { transport: 'tcp', format: 'auto', pollMs: 200 } as const;
    const options = { pace: 'live', analysis: 'quick', settings, allowExec: false, signal } as const;
    const input = await openInput(parseSource(address), options);
    let lookedUs = 0;
    try {
      const why = await greyPictures(input, signal, (picture, seenUs) => {
        if (seenUs - lookedUs < LOOK_EVERY_US) return;
        const codeUs = readTimeCode(picture);
        lookedUs = systemClock.nowUs();
        if (codeUs !== undefined) samples.add(codeUs, seenUs);
      });
      return signal.aborted ? undefined : `ended: ${why}`;
    } finally {
      await input.close();
    }
  } catch (error) {
    return signal.aborted ? undefined : messageOf(error);
  }
}

async function segmentsIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => parseSegmentName(name) !== undefined);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
