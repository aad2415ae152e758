import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MpjpegSplitter } from './mpjpeg.ts';

const jpegs = [jpeg('one'), jpeg('a second one, with --ffmpeg\r\n and \r\n\r\n inside'), jpeg('')];
const stream = Buffer.concat([Buffer.from('--ffmpeg\r\n'), ...jpegs.map(part)]);

function jpeg(text: string): Buffer {
  return Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.from(text), Buffer.from([0xff, 0xd9])]);
}

/** A part as ffmpeg writes it: the boundary of the next part comes with it. */
function part(body: Buffer): Buffer {
  const header = `Content-type: image/jpeg\r\nContent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(header), body, Buffer.from('\r\n--ffmpeg\r\n')]);
}

function split(chunks: Buffer[]): { found: Buffer[]; junkBytes: number } {
  const splitter = new MpjpegSplitter();
  const found = chunks.flatMap((chunk) => splitter.push(chunk));
  return { found, junkBytes: splitter.junkBytes };
}

describe('mpjpeg splitter', () => {
  test('cut in two at every byte, it finds the same JPEGs', () => {
    for (let at = 0; at <= stream.length; at++) {
      expect(split([stream.subarray(0, at), stream.subarray(at)])).toEqual({ found: jpegs, junkBytes: 0 });
    }
  });

  test('byte by byte, it finds the same JPEGs', () => {
    expect(split(Array.from(stream, (byte) => Buffer.from([byte])))).toEqual({ found: jpegs, junkBytes: 0 });
  });

  test('junk before, between and after parts is counted and skipped', () => {
    const junk = Buffer.from('some junk, --ffmpeg\r\nContent-length: 99999999999\r\n\r\n and more');
    const dirty = Buffer.concat([junk, stream, junk, Buffer.from('\r\n'), stream]);
    const { found, junkBytes } = split([dirty]);
    expect(found).toEqual([...jpegs, ...jpegs]);
    expect(junkBytes).toBeGreaterThanOrEqual(junk.length);
    for (let at = 0; at <= dirty.length; at++) {
      expect(split([dirty.subarray(0, at), dirty.subarray(at)]).found).toEqual([...jpegs, ...jpegs]);
    }
  });

  test('a part that is no JPEG is counted, not passed on', () => {
    const { found, junkBytes } = split([Buffer.from('--ffmpeg\r\n'), part(Buffer.from('hello'))]);
    expect(found).toEqual([]);
    expect(junkBytes).toBe(5);
  });

  test('a wrong length costs that part and the next, not the ones after', () => {
    const wrong = Buffer.from(
      part(jpeg('abcdef')).toString('latin1').replace('length: 10', 'length: 13'),
      'latin1',
    );
    const { found, junkBytes } = split([Buffer.from('--ffmpeg\r\n'), wrong, ...jpegs.map(part)]);
    expect(found.slice(-jpegs.length + 1)).toEqual(jpegs.slice(1));
    expect(junkBytes).toBeGreaterThan(0);
  });

  test('on random bytes it finds nothing and keeps little', () => {
    const splitter = new MpjpegSplitter();
    let seed = 7;
    for (let round = 0; round < 200; round++) {
      const chunk = Buffer.alloc(1000);
      for (let i = 0; i < chunk.length; i++) {
        seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
        chunk[i] = seed >> 16;
      }
      expect(splitter.push(chunk)).toEqual([]);
    }
    expect(splitter.junkBytes).toBeGreaterThan(190_000);
    expect(splitter.push(stream)).toEqual(jpegs);
  });

  test('whatever the pictures hold and however the stream is cut, they come out as they went in', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
    const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(bodies, cuts, (contents, sizes) => {
        const pictures = contents.map((content) => Buffer.concat([Buffer.from([0xff, 0xd8]), content]));
        const all = Buffer.concat([Buffer.from('--ffmpeg\r\n'), ...pictures.map(part)]);
        const chunks: Buffer[] = [];
        for (let at = 0, turn = 0; at < all.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          chunks.push(all.subarray(at, at + size));
          at += size;
        }
        expect(split(chunks)).toEqual({ found: pictures, junkBytes: 0 });
      }),
    );
  });

  test('whatever bytes come, only whole JPEGs leave', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.uint8Array(), fc.constantFrom(...jpegs.map(part)))), (chunks) => {
        for (const found of split(chunks.map((chunk) => Buffer.from(chunk))).found) {
          expect(found.readUInt16BE(0)).toBe(0xffd8);
        }
      }),
    );
  });
});
