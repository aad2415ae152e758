import { describe, expect, it } from 'vitest';
import { isTraceparent, withTraceOf } from '@faascam/core/trace-context';
import { newTraceparent, withTrace } from './trace-context.ts';

const GIVEN = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('a trace', () => {
  it('is known by the form of the standard', () => {
    expect([GIVEN, `cc${GIVEN.slice(2)}-more`].every(isTraceparent)).toBe(true);
    const wrong = [
      '',
      GIVEN.toUpperCase(),
      `ff${GIVEN.slice(2)}`,
      `${GIVEN}-more`,
      GIVEN.replace(/4bf9[0-9a-f]+/, '0'.repeat(32)),
      GIVEN.replace('00f067aa0ba902b7', '0'.repeat(16)),
      GIVEN.slice(0, -1),
    ];
    expect(wrong.filter(isTraceparent)).toEqual([]);
  });

  it('that a message has goes on with it as it is', () => {
    const headers = [
      ['X-Other', ['a']],
      ['Traceparent', [GIVEN]],
      ['tracestate', ['vendor=1']],
    ] as const;
    expect(withTrace(headers)).toEqual(headers);
  });

  it('is made where there is none or a wrong one, unsampled, and without the state of another', () => {
    for (const traceparent of [[], ['nonsense'], [GIVEN, GIVEN]]) {
      const passed = new Map(
        withTrace([
          ['x-other', ['a']],
          ['traceparent', traceparent],
          ['tracestate', ['vendor=1']],
        ]),
      );
      expect([...passed.keys()]).toEqual(['x-other', 'traceparent']);
      expect(passed.get('traceparent')?.[0]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    }
    expect(isTraceparent(newTraceparent())).toBe(true);
    expect(newTraceparent()).not.toBe(newTraceparent());
  });

  it('goes on with what a function publishes', () => {
    const event = (traceparent: string) => ({
      body: '',
      headers: { traceparent, tracestate: 'vendor=1' },
      method: 'POST',
      query: {},
      path: '/',
    });
    const headers = withTraceOf(event(GIVEN));
    expect([headers.get('traceparent'), headers.get('tracestate')]).toEqual([GIVEN, 'vendor=1']);
    expect([...withTraceOf(event('nonsense')).keys()]).toEqual([]);
  });
});
