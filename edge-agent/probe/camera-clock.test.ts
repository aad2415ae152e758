import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePort } from '@faascam/core/ports';
import { dateIn, rtspClockAhead } from './camera-clock.ts';

/** Asks a server that answers like this; tells what it was asked, too. */
async function ask(answer: string) {
  let asked = '';
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      asked += chunk.toString();
      socket.end(answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    const noon = Date.UTC(2026, 10, 21, 12);
    const url = `rtsp://cam:s3cret@127.0.0.1:${port}/live?token=s3cret`;
    return { ahead: await rtspClockAhead(url, new AbortController().signal, () => noon), asked };
  } finally {
    server.close();
  }
}

test('the clock is read from the date of an answer, without a login', async () => {
  const { ahead, asked } = await ask(
    'RTSP/1.0 200 OK\r\nCSeq: 1\r\nDate: Sat, 21 Nov 2026 13:00:00 GMT\r\n\r\n',
  );
  expect(ahead).toBe(3_600_500);
  expect(asked).toMatch(/^OPTIONS rtsp:\/\/127\.0\.0\.1:\d+\/live RTSP\/1\.0\r\n/);
  expect(asked).not.toMatch(/s3cret/);
});

test('is not told by a server that has no date, or is none, or does not listen', async () => {
  expect((await ask('RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n')).ahead).toBeUndefined();
  expect((await ask('HTTP/1.1 400\r\nDate: Sat, 21 Nov 2026 13:00:00 GMT\r\n\r\n')).ahead).toBeUndefined();
  expect((await ask('')).ahead).toBeUndefined();
  expect((await ask('x'.repeat(100_000))).ahead).toBeUndefined();
  const nobody = `rtsp://127.0.0.1:${await freePort()}/`;
  expect(await rtspClockAhead(nobody, new AbortController().signal)).toBeUndefined();
  expect(await rtspClockAhead(nobody, AbortSignal.abort())).toBeUndefined();
});

test.each([
  ['Date: Sat, Nov 21 2026 12:07:47 GMT', Date.UTC(2026, 10, 21, 12, 7, 47)],
  ['date:Sat, 21 Nov 2026 12:07:47 GMT', Date.UTC(2026, 10, 21, 12, 7, 47)],
  ['Date: tomorrow', undefined],
])('%s', (line, expected) => {
  expect(dateIn(`RTSP/1.0 200 OK\r\n${line}\r\n\r\n`)).toBe(expected);
});
