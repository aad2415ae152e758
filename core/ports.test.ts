import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePort, freeUdpPort, requirePort } from './ports.ts';

/** Linux gives ports from here on to outgoing connections. */
const OUTGOING = 32_768;

test('a free port can be listened on, and no outgoing connection takes it meanwhile', async () => {
  const ports = await Promise.all([freePort(), freePort('0.0.0.0'), freeUdpPort()]);
  for (const port of ports) expect(port).toBeLessThan(OUTGOING);
  await requirePort(ports[0], '127.0.0.1', 'the test');
});

test('a port that somebody listens on is refused, with what wanted it', async () => {
  const server = createServer();
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  await expect(requirePort(port, '127.0.0.1', 'the page')).rejects.toThrow(
    `Port ${port} for the page is in use on 127.0.0.1: stop the other program or choose another port.`,
  );
  server.close();
  await once(server, 'close');
});
