import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLUSTER, DamagedMatroskaError, elementAt } from '@faascam/core/matroska';
import { streamHead, wholeClusters } from './matroska.ts';
import { makeVideo } from './test-video.ts';

let directory: string;
let file: Buffer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-matroska-'));
  const path = join(directory, 'video.mkv');
  const source = ['-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=10:duration=3'];
  await makeVideo(...source, '-c:v', 'libx264', '-g', '10', '-cluster_time_limit', '400', path);
  file = await readFile(path);
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe('matroska', () => {
  test('the head of a file is there once its first cluster begins, and not before', () => {
    const head = streamHead(file);
    expect(head).toBeDefined();
    const { clustersAt } = head ?? { clustersAt: 0 };
    expect(elementAt(file, clustersAt)?.id).toBe(CLUSTER);
    for (let length = 0; length < clustersAt; length++) {
      expect(streamHead(file.subarray(0, length))).toBeUndefined();
    }
  });

  test('clusters come whole, however the file grows', () => {
    const { clustersAt } = streamHead(file) ?? { clustersAt: 0 };
    const all = wholeClusters(file.subarray(clustersAt)).clusters;
    expect(all.length).toBeGreaterThanOrEqual(4);
    let rest: Buffer = Buffer.alloc(0);
    const pieces: Uint8Array[] = [];
    for (let at = clustersAt; at < file.length; at += 1009) {
      rest = Buffer.concat([rest, file.subarray(at, at + 1009)]);
      const { clusters, restAt } = wholeClusters(rest);
      pieces.push(...clusters);
      rest = rest.subarray(restAt);
    }
    expect(Buffer.concat(pieces).equals(Buffer.concat(all))).toBe(true);
  });

  test('whatever the bytes are, it is read or said to be damaged', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(2000), (junk, at) => {
        const bytes = Buffer.from(file);
        bytes.set(junk, Math.min(at, bytes.length - junk.length));
        try {
          const { clustersAt } = streamHead(bytes) ?? { clustersAt: 0 };
          const { restAt } = wholeClusters(bytes.subarray(clustersAt));
          expect(restAt).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(DamagedMatroskaError);
        }
      }),
    );
  });
});
