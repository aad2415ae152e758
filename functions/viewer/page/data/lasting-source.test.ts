import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keepListening } from './lasting-source.ts';

/** The browser's, as far as it is used here, which Node has not. */
class TestSource extends EventTarget {
  static readonly CLOSED = 2;
  static made: TestSource[] = [];
  readonly url: string;
  readyState = 0;

  constructor(url: string) {
    super();
    this.url = url;
    TestSource.made.push(this);
  }

  close(): void {
    this.readyState = TestSource.CLOSED;
  }

  /** What a browser does with an answer other than 200. */
  refuse(): void {
    this.readyState = TestSource.CLOSED;
    this.dispatchEvent(new Event('error'));
  }

  tell(name: string, data: string): void {
    this.dispatchEvent(new MessageEvent(name, { data }));
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('EventSource', TestSource);
  TestSource.made = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('after a refusal the stream is asked for again, and goes on', async () => {
  const heard: string[] = [];
  const end = keepListening('api/stream', {
    events: { news: (data) => heard.push(data) },
    opened: () => heard.push('opened'),
    lost: () => heard.push('lost'),
  });
  const [first] = TestSource.made;
  expect(first?.url).toMatch(/\/api\/stream$/);
  first?.dispatchEvent(new Event('open'));
  first?.tell('news', 'one');
  // A broken connection is the browser's own to mend.
  first?.dispatchEvent(new Event('error'));
  await vi.runAllTimersAsync();
  expect(TestSource.made).toHaveLength(1);

  first?.refuse();
  await vi.runAllTimersAsync();
  const [, second] = TestSource.made;
  second?.refuse();
  await vi.runAllTimersAsync();
  const [, , third] = TestSource.made;
  third?.dispatchEvent(new Event('open'));
  third?.tell('news', 'two');
  expect(heard).toEqual(['opened', 'one', 'lost', 'lost', 'lost', 'opened', 'two']);
  end();
  expect(third?.readyState).toBe(TestSource.CLOSED);
});

it('nothing is asked for any more by whoever has gone meanwhile', async () => {
  const end = keepListening('api/stream', { events: {}, opened: () => undefined });
  TestSource.made[0]?.refuse();
  end();
  await vi.runAllTimersAsync();
  expect(TestSource.made).toHaveLength(1);
});
