import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { headers as natsHeaders } from '@nats-io/transport-node';
import { z } from 'zod';
import { ensureStreams, connectNats } from '@faascam/core/messaging';
import { startNatsServer } from '@faascam/core/nats-server';
import { writeHandler } from '@faascam/function-host/testing/built-host';
import { run } from '../images/root-file-system.ts';
import { atMost, type Figure, percentile } from './figures.ts';

const CAMERAS = 20;
const FRAMES_PER_SECOND = 5;
const FRAME_BYTES = 60_000;
const SECONDS = 30;

/** Tells how late each frame is that it gets, takes 20 ms for it, and says it all at /stats. */
const HANDLER = `
const lateMs = [];
export default async (event, context) => {
  if (event.path === '/stats') return context.succeed({ lateMs });
  lateMs.push(performance.timeOrigin + performance.now() - Number(event.headers['x-sent-at']));
  await new Promise((resolve) => setTimeout(resolve, 20));
  return context.succeed('');
};
`;

const STACK = `
version: 1.0
provider: { name: openfaas, gateway: http://127.0.0.1:8080 }
functions:
  look:
    lang: faascam-node
    handler: ./look
    image: example/look:1
    annotations: { topic: "frames.*" }
    environment: { exec_timeout: 10s, max_inflight: 32 }
`;

/** As its image starts it: connector/Dockerfile. */
const FLAGS = ['--liftoff-only', '--optimize-for-size'];
const SETTINGS = { MALLOC_ARENA_MAX: '2', NODE_OPTIONS: '--max-semi-space-size=1' };

const alone = z.object({
  connectorPerSecond: z.number(),
  plainPerSecond: z.number(),
  latencyMs: z.object({ p50: z.number(), p95: z.number() }),
});
const serving = z.object({ url: z.string() });
const stats = z.object({ lateMs: z.array(z.number()) });

/**
 * The connector's calls a second against a plain HTTP loop, and the chain of NATS, connector, gateway and function host
 * with the frames of 20 cameras. Two minutes.
 */
export async function benchConnectorAndChain(scratch: string): Promise<Figure[]> {
  const child = fork(new URL('connector-alone.js', import.meta.url), {
    env: { ...process.env, ...SETTINGS },
    execArgv: FLAGS,
  });
  const { connectorPerSecond, plainPerSecond, latencyMs } = alone.parse((await once(child, 'message'))[0]);
  return [
    {
      name: 'connector, 20 ms handler, 32 in flight',
      value: connectorPerSecond,
      unit: 'calls/s',
      aim: 'at least 400',
      met: connectorPerSecond >= 400,
    },
    { name: 'a plain HTTP loop, likewise', value: plainPerSecond, unit: 'calls/s' },
    { name: 'of the plain loop', value: (100 * connectorPerSecond) / plainPerSecond, unit: '%' },
    { name: 'publish to handler, p50', value: latencyMs.p50, unit: 'ms' },
    { name: 'publish to handler, p95', value: latencyMs.p95, unit: 'ms' },
    ...(await benchChain(scratch)),
  ];
}

async function benchChain(scratch: string): Promise<Figure[]> {
  const directory = join(scratch, 'chain');
  const nats = await startNatsServer({ directory });
  const messaging = await connectNats(nats.url, 'bench');
  const children: ChildProcess[] = [];
  try {
    await ensureStreams(messaging.jsm);
    await writeHandler(join(directory, 'look', 'dist', 'handler.js'), HANDLER);
    await writeFile(join(directory, 'stack.yml'), STACK);
    const start = async (
      path: string,
      env: Record<string, string>,
      execArgv: string[] = [],
    ): Promise<[ChildProcess, unknown]> => {
      const entry = path.startsWith('/') ? path : new URL(path, import.meta.url);
      const child = fork(entry, {
        env: { ...process.env, FAASCAM_LOG: 'warn', NATS_URL: nats.url, ...env },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        execArgv,
      });
      children.push(child);
      return [child, (await once(child, 'message'))[0]];
    };
    const [, said] = await start('../../../local/dist/gateway/main.js', {
      FAASCAM_STACK: join(directory, 'stack.yml'),
      GATEWAY_PORT: '0',
    });
    const { url } = serving.parse(said);
    // As its image has it: one file.
    const bundle = join(directory, 'connector');
    await run(process.execPath, [
      fileURLToPath(new URL('../../../connector/dist/bundling.js', import.meta.url)),
      bundle,
    ]);
    const [connector] = await start(join(bundle, 'main.mjs'), { gateway_url: url, ...SETTINGS }, FLAGS);

    const body = Buffer.alloc(FRAME_BYTES, 7);
    const load = loadavg()[0] ?? 0;
    let published = 0;
    const camera = async (nth: number): Promise<void> => {
      // Cameras are not in step.
      await sleep((nth * 1000) / FRAMES_PER_SECOND / CAMERAS);
      const beginMs = performance.now();
      for (let frame = 0; frame < SECONDS * FRAMES_PER_SECOND; frame++) {
        const headers = natsHeaders();
        headers.set('X-Sent-At', String(performance.timeOrigin + performance.now()));
        messaging.nc.publish(`frames.camera${nth}`, body, { headers });
        published += 1;
        await sleep(Math.max(0, beginMs + ((frame + 1) * 1000) / FRAMES_PER_SECOND - performance.now()));
      }
    };
    await Promise.all(Array.from({ length: CAMERAS }, (_, nth) => camera(nth)));
    const backlog = await waiting(messaging.jsm.consumers.list('FRAMES'));
    const { lateMs } = stats.parse(await (await fetch(`${url}/function/look/stats`)).json());
    const half = Math.floor(lateMs.length / 2);
    const resident = Number(
      /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${connector.pid ?? 0}/status`, 'utf8'))?.[1] ?? NaN,
    );
    const name = `${CAMERAS} cameras at ${FRAMES_PER_SECOND} fps of ${FRAME_BYTES / 1000} kB`;
    return [
      { name: `${name}: handled`, value: (100 * lateMs.length) / published, unit: '%' },
      atMost(`${name}: left behind at the end`, backlog, 'frames', CAMERAS),
      { name: `${name}: publish to handler, p50`, value: percentile(lateMs, 50), unit: 'ms' },
      atMost(`${name}: publish to handler, p95`, percentile(lateMs, 95), 'ms', 150),
      { name: '  p95 of the first half', value: percentile(lateMs.slice(0, half), 95), unit: 'ms' },
      { name: '  p95 of the second half', value: percentile(lateMs.slice(half), 95), unit: 'ms' },
      atMost("the connector's memory at its most", resident / 1024, 'MB', 100),
      { name: 'load of the machine before it (1 minute)', value: load, unit: '' },
    ];
  } finally {
    for (const child of children.reverse()) {
      const over = once(child, 'exit');
      child.kill('SIGTERM');
      await over;
    }
    await messaging.nc.close();
    await nats.stop();
  }
}

async function waiting(
  consumers: AsyncIterable<{ num_pending: number; num_ack_pending: number }>,
): Promise<number> {
  let count = 0;
  for await (const { num_pending, num_ack_pending } of consumers) count += num_pending + num_ack_pending;
  return count;
}
