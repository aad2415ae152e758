import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NewsHub, type NewsOptions } from './news.ts';

const WAIT = { timeout: 30_000, interval: 10 };

let begun: number;
let ended: number;
let hub: NewsHub;

function open(options: Partial<NewsOptions> = {}): void {
  begun = 0;
  ended = 0;
  hub = new NewsHub({
    begin: () => {
      begun += 1;
      return () => (ended += 1);
    },
    lingerMs: 600_000,
    ...options,
  });
}

beforeEach(() => open());
afterEach(() => hub.close());

function listen(options: Parameters<NewsHub['listen']>[0] = {}): {
  stream: Readable;
  text: () => string;
  ids: () => string[];
  kinds: () => string[];
} {
  const stream = hub.listen(options);
  if (stream === undefined) throw new Error('too many listen');
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => (text += chunk));
  const all = (pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, value = '']) => value);
  return { stream, text: () => text, ids: () => all(/^id: (.*)$/gm), kinds: () => all(/^event: (.*)$/gm) };
}

const tell = (camera: string, number = 0): void =>
  hub.tell({ kind: 'event', camera, data: { camera, number } });

describe('listeners', () => {
  it('share one source, which is asked only while there are some', async () => {
    expect([begun, hub.wanted]).toEqual([0, false]);
    const first = listen();
    const second = listen();
    expect(begun).toBe(1);
    tell('yard');
    await vi.waitFor(() => {
      expect(first.kinds()).toEqual(['hello', 'event']);
      expect(second.text()).toContain('event: event\ndata: {"camera":"yard","number":0}\n\n');
    }, WAIT);
    first.stream.destroy();
    second.stream.destroy();
    await vi.waitFor(() => expect(hub.listeners).toBe(0), WAIT);
    expect([begun, ended]).toEqual([1, 0]);
    hub.close();
    expect(ended).toBe(1);
  });

  it('let go of the source some time after the last has gone', async () => {
    open({ lingerMs: 1 });
    listen().stream.destroy();
    await vi.waitFor(() => expect(ended).toBe(1), WAIT);
    listen();
    expect(begun).toBe(2);
  });

  it('hear of their cameras alone', async () => {
    const one = listen({ cameras: ['yard'] });
    tell('gate');
    tell('yard');
    await vi.waitFor(() => expect(one.kinds()).toEqual(['hello', 'event']), WAIT);
    expect(one.text()).not.toContain('gate');
  });

  it('go on where they were, and are told where that is not known any more', async () => {
    const first = listen();
    for (let number = 1; number <= 3; number += 1) tell('yard', number);
    await vi.waitFor(() => expect(first.ids()).toHaveLength(4), WAIT);
    const [, , lastId] = first.ids();
    first.stream.destroy();
    tell('yard', 4);
    const again = listen({ lastId });
    await vi.waitFor(() => expect(again.kinds()).toEqual(['hello', 'event', 'event']), WAIT);
    expect(again.text()).toMatch(/"number":3[^]*"number":4/);
    for (const unknown of [
      'other-1',
      'x',
      `${lastId?.split('-')[0] ?? ''}-99`,
      '',
      `${lastId ?? ''}9999999999999999`,
    ]) {
      const lost = listen({ lastId: unknown });
      await vi.waitFor(() => expect([unknown, ...lost.kinds()]).toEqual([unknown, 'reset']), WAIT);
    }
    for (let number = 0; number < 600; number += 1) tell('yard', number);
    const late = listen({ lastId });
    await vi.waitFor(() => expect(late.kinds()).toEqual(['reset']), WAIT);
  });

  it('are ended when they read too slowly, without a loss for others', async () => {
    const slow = hub.listen({});
    const quick = listen();
    for (let number = 0; number < 4000; number += 1) {
      tell('yard', number);
      if (number % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(slow?.destroyed).toBe(true);
    await vi.waitFor(() => expect(quick.kinds()).toHaveLength(4001), WAIT);
    expect(hub.listeners).toBe(1);
  });

  it('are kept awake, and ended after a while so that they come back', async () => {
    open({ heartbeatMs: 5, endAfterMs: 100 });
    const one = listen();
    await new Promise((resolve) => one.stream.once('end', resolve));
    expect(one.text()).toContain(': still here\n\n');
    expect(one.text()).toMatch(/^retry: \d+\n/);
    await vi.waitFor(() => expect(hub.listeners).toBe(0), WAIT);
  });

  it('are not more than some hundreds, and none once it is closed', () => {
    const streams = Array.from({ length: 250 }, () => hub.listen({}));
    expect(streams.filter((stream) => stream !== undefined)).toHaveLength(200);
    hub.close();
    expect(hub.listen({})).toBeUndefined();
  });
});
