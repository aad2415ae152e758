import { expect, test } from 'vitest';
import { JobQueue } from './job-queue.ts';

/** Work that ends when it is told to. */
function heldWork() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (id: string) => async () => {
    begun.push(id);
    await new Promise<void>((resolve) => ends.set(id, resolve));
    return id;
  };
  return { begun, work, end: (id: string) => ends.get(id)?.() };
}

const options = { mostWaiting: 3, callerWaitsMs: 1000 };
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('jobs run one at a time in the order of their calls, also after one that failed', async () => {
  const queue = new JobQueue<string>(options);
  const { begun, work, end } = heldWork();
  const failing = queue.run('x', () => Promise.reject(new Error('no')));
  const [a, b] = [queue.run('a', work('a')), queue.run('b', work('b'))];
  await expect(failing).rejects.toThrow('no');
  await turn();
  expect(begun).toEqual(['a']);
  end('a');
  expect(await a).toBe('a');
  await turn();
  end('b');
  expect(await b).toBe('b');
});

test('a call for a job that waits or runs joins it', async () => {
  const queue = new JobQueue<string>(options);
  const { begun, work, end } = heldWork();
  const calls = [queue.run('a', work('a')), queue.run('a', work('a'))];
  await turn();
  calls.push(queue.run('a', work('a')));
  end('a');
  expect(await Promise.all(calls)).toEqual(['a', 'a', 'a']);
  expect(begun).toEqual(['a']);
  void queue.run('a', work('a'));
  await turn();
  expect(begun).toEqual(['a', 'a']);
  end('a');
});

test('more than so many do not pile up', async () => {
  const queue = new JobQueue<string>(options);
  const { work, end } = heldWork();
  const taken = ['a', 'b', 'c', 'd'].map((id) => queue.run(id, work(id)));
  await expect(queue.run('e', work('e'))).rejects.toMatchObject({ code: 'busy' });
  for (const id of ['a', 'b', 'c', 'd']) {
    await turn();
    end(id);
  }
  expect(await Promise.all(taken)).toEqual(['a', 'b', 'c', 'd']);
  await queue.idle();
});

test('a job whose callers have given up is not begun, and one that was called again is', async () => {
  let nowMs = 0;
  const queue = new JobQueue<string>({ ...options, nowMs: () => nowMs });
  const { begun, work, end } = heldWork();
  const [a, b, c] = ['a', 'b', 'c'].map((id) => queue.run(id, work(id)));
  const given = expect(b).rejects.toMatchObject({ code: 'caller-gone' });
  await turn();
  nowMs = 900;
  void queue.run('c', work('c'));
  nowMs = 1500;
  end('a');
  expect(await a).toBe('a');
  await given;
  await turn();
  expect(begun).toEqual(['a', 'c']);
  end('c');
  expect(await c).toBe('c');
});
