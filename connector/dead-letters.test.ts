import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectNats, ensureStreams, streamConfigs, type Messaging } from '@faascam/core/messaging';
import { type NatsServer, startNatsServer } from '@faascam/core/nats-server';
import { deadLetterStream, publishDeadLetter } from './dead-letter.ts';
import { deadLetters, removeDeadLetter, retryDeadLetter, type StoredDeadLetter } from './dead-letters.ts';

let directory: string;
let server: NatsServer;
let messaging: Messaging;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dead-letters-'));
  server = await startNatsServer({ directory });
  messaging = await connectNats(server.url, 'test');
});
afterAll(async () => {
  await messaging.nc.close();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

async function all(): Promise<StoredDeadLetter[]> {
  const letters: StoredDeadLetter[] = [];
  for await (const letter of deadLetters(messaging)) letters.push(letter);
  return letters;
}

async function bury(sequence: number, body: string, maxPayload = 1_000_000): Promise<void> {
  await publishDeadLetter(
    messaging.js,
    {
      functionName: 'clip',
      stream: 'CLIPS',
      sequence,
      storedAtNs: BigInt(sequence),
      subject: 'clips.ready.yard',
      headers: [
        ['X-Kept', ['yes']],
        ['Nats-Msg-Id', ['before']],
      ],
      body: Buffer.from(body),
      status: 422,
      reason: 'status 422: no such thing',
    },
    maxPayload,
  );
}

describe('dead letters', () => {
  it('are listed with their reason, sent again as they were, and removed', async () => {
    expect(await all()).toEqual([]);
    await ensureStreams(messaging.jsm, undefined, [...streamConfigs, deadLetterStream]);
    expect(await all()).toEqual([]);
    for (const sequence of [1, 2, 3]) await bury(sequence, `body ${sequence}`);
    await bury(4, 'too large', 10);
    const listed = await all();
    expect(listed.map(({ seq, sizeBytes, bodyOmitted }) => [seq, sizeBytes, bodyOmitted])).toEqual([
      [1, 6, false],
      [2, 6, false],
      [3, 6, false],
      [4, 9, true],
    ]);
    expect(listed[0]).toMatchObject({
      functionName: 'clip',
      subject: 'clips.ready.yard',
      status: 422,
      reason: 'status 422: no such thing',
    });
    await removeDeadLetter(messaging, 1);
    await retryDeadLetter(messaging, 2);
    await expect(retryDeadLetter(messaging, 2)).rejects.toThrow('There is no dead letter 2.');
    await expect(retryDeadLetter(messaging, 4)).rejects.toThrow('has no body');
    expect((await all()).map(({ seq }) => seq)).toEqual([3, 4]);
    const again = await messaging.jsm.streams.getMessage('CLIPS', { last_by_subj: 'clips.ready.yard' });
    expect(again?.string()).toBe('body 2');
    expect([...(again?.header.keys() ?? [])]).toEqual(['X-Kept', 'Nats-Msg-Id']);
    expect((await messaging.jsm.streams.info('CLIPS')).state.messages).toBe(1);
  });
});
