import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { UsageError } from '@faascam/core/errors';
import { goDurationMs } from '@faascam/core/go-duration';
import { afterEnd } from './restart-policy.ts';
import { parseStack, substitute } from './stack.ts';

describe('a stack file', () => {
  it('gives each function with its variables filled in, its timeout and its limit', () => {
    const [motion] = parseStack(
      `
provider: { name: openfaas }
functions:
  motion:
    lang: faascam-node
    handler: ./functions/motion
    image: \${REGISTRY:-registry.example}/motion:\${TAG:-1}
    annotations: { topic: frames.* }
    labels: { tier: 1 }
    environment:
      FAASCAM_MOTION: \${FAASCAM_MOTION:-}
      exec_timeout: 1m30s
      max_inflight: 4
      debug: true
`,
      '/site/stack.yml',
      { TAG: '2', FAASCAM_MOTION: '{"sensitivity": 5, "note": "a: b"}' },
    );
    expect(motion).toEqual({
      name: 'motion',
      image: 'registry.example/motion:2',
      handlerDirectory: '/site/functions/motion',
      environment: {
        FAASCAM_MOTION: '{"sensitivity": 5, "note": "a: b"}',
        exec_timeout: '1m30s',
        max_inflight: '4',
        debug: 'true',
      },
      annotations: { topic: 'frames.*' },
      labels: { tier: '1' },
      execTimeoutMs: 90_000,
      maxInflight: 4,
    });
  });

  it('is refused with the name of the key that is wrong', () => {
    const parse = (text: string) => () => parseStack(text, 'stack.yml', {});
    expect(parse('functions: { A_b: { handler: x, image: y } }')).toThrow(/stack\.yml, functions\.A_b/);
    expect(parse('functions: { a: { image: y } }')).toThrow(/functions\.a\.handler/);
    expect(parse('functions: { a: { handler: x, image: y, environment: { exec_timeout: soon } } }')).toThrow(
      'functions.a.environment.exec_timeout must be a duration such as 30s',
    );
    expect(parse('functions: [')).toThrow(UsageError);
  });

  it('of this repository names the functions and their topics', () => {
    const path = fileURLToPath(new URL('../../stack.yml', import.meta.url));
    const specs = parseStack(readFileSync(path, 'utf8'), path, {});
    expect(specs.map(({ name, annotations }) => [name, annotations['topic']])).toEqual([
      ['motion', 'frames.*'],
      ['detect', 'motion.*'],
      ['events', 'detections.*'],
      ['clip', 'clips.ready.*'],
      ['viewer', undefined],
      ['notify', 'events.*,clips.stored.*,notices.>'],
    ]);
  });
});

describe('a variable', () => {
  it('is replaced by its value, or its default when it is unset or empty', () => {
    expect(substitute('a ${X} ${Y:-y} ${Z:-}', { X: '1', Y: '' })).toBe('a 1 y ');
    expect(substitute('${X}', {})).toBe('');
    expect(substitute('$X and $${X:-x}', {})).toBe('$X and $x');
  });
});

describe('a duration of Go', () => {
  it('is read in all its units', () => {
    expect(['1h2m3s', '250ms', '1.5s', '30', '', '5x', 's'].map(goDurationMs)).toEqual([
      3_723_000,
      250,
      1500,
      30_000,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('a function that ended', () => {
  it('starts again later and later while it ends quickly, and soon when it had settled', () => {
    let state = { quickEnds: 0 };
    const delays: number[] = [];
    for (const ranMs of [10, 10, 10, 10, 10, 10, 10, 60_000, 10]) {
      const { delayMs, next } = afterEnd(state, ranMs);
      delays.push(delayMs);
      state = next;
    }
    expect(delays).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 250, 500]);
  });
});
