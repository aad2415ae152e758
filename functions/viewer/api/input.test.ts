import { cameraId, eventId } from '@faascam/core/ids';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bodyOf, InputError, queryOf } from './input.ts';

const id = 'yard-20260304t050607-000089';
const schema = z.object({
  camera: cameraId.optional(),
  label: z
    .array(z.string().max(64, { error: 'must be at most 64 characters' }))
    .max(3)
    .optional(),
  limit: z.number().int().min(1).max(100).default(24),
  kept: z.boolean().optional(),
  before: eventId.optional(),
});

function sentenceOf(run: () => unknown): { status: number; sentence: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof InputError) return { status: error.status, sentence: error.message };
    throw error;
  }
  throw new Error('it was taken');
}

describe('a query', () => {
  it('has defaults, and takes empty parameters as absent', () => {
    expect(queryOf(schema, {})).toEqual({ limit: 24 });
    expect(queryOf(schema, { camera: '', label: '', limit: '', before: '', kept: '' })).toEqual({
      limit: 24,
    });
  });

  it('is taken as given, and other parameters are ignored', () => {
    const query = { camera: 'yard', label: 'a <b>', limit: '7', before: id, kept: 'true', t: '1' };
    expect(queryOf(schema, query)).toEqual({
      ...query,
      label: ['a <b>'],
      limit: 7,
      kept: true,
      t: undefined,
    });
    expect(queryOf(schema, { label: ['car', '7', 'true'], kept: '0' })).toMatchObject({
      label: ['car', '7', 'true'],
      kept: false,
    });
  });

  it.each([
    [{ camera: 'No Camera' }, /camera must be 1 to 63 characters/],
    [{ camera: ['a', 'b'] }, /camera must be given once, as a text/],
    [{ label: 'x'.repeat(65) }, /label\.0 must be at most 64/],
    [{ label: ['a', 'b', 'c', 'd'] }, /label too big/],
    [{ limit: '0' }, /limit too small/],
    [{ limit: '1e1' }, /limit must be given once, as a number/],
    [{ limit: '1.5' }, /limit must be given once, as a whole number/],
    [{ limit: '0x10' }, /limit must be given once, as a number/],
    [{ limit: ['1', '2'] }, /limit must be given once, as a number/],
    [{ kept: 'maybe' }, /kept must be given once, as true or false/],
    [{ before: '../x' }, /before is no event id/],
  ])('%j is refused with a sentence', (query, sentence) => {
    expect(sentenceOf(() => queryOf(schema, query))).toEqual({
      status: 400,
      sentence: expect.stringMatching(sentence) as string,
    });
  });
});

describe('a body', () => {
  const wanted = 'application/json';
  const body = z.strictObject({ camera: cameraId, fromUs: z.number().int() });
  const read = (text: string, type: string | undefined = wanted): unknown =>
    bodyOf(body, { bytes: Buffer.from(text), type, wanted, maxBytes: 60 });

  it('is JSON of its schema', () => {
    expect(read('{"camera":"yard","fromUs":7}', 'Application/JSON; charset=utf-8')).toEqual({
      camera: 'yard',
      fromUs: 7,
    });
  });

  it('of another type than JSON is its text', () => {
    const sdp = { type: 'application/sdp', wanted: 'application/sdp', maxBytes: 60 };
    expect(bodyOf(z.string().min(1), { ...sdp, bytes: Buffer.from('v=0') })).toBe('v=0');
  });

  it.each([
    ['{"camera":"yard","fromUs":7}', 'text/plain', 415, /Content-Type: application\/json/],
    ['{"camera":"yard","fromUs":7}', undefined, 415, /Content-Type/],
    [`{"camera":"${'y'.repeat(60)}"}`, wanted, 413, /has 73 bytes, and 60 are the most/],
    ['{', wanted, 400, /is no JSON/],
    ['[]', wanted, 400, /^The body must be/],
    [
      '{"camera":"yard","fromUs":"7"}',
      wanted,
      400,
      /field fromUs of the body must be given once, as a number/,
    ],
    ['{"camera":"yard","fromUs":7,"x":1}', wanted, 400, /fields that are not known: x/],
  ])('%s as %s is refused', (text, type, status, sentence) => {
    // An absent type must not become the default.
    const run = (): unknown => bodyOf(body, { bytes: Buffer.from(text), type, wanted, maxBytes: 60 });
    expect(sentenceOf(run)).toEqual({ status, sentence: expect.stringMatching(sentence) as string });
  });
});
