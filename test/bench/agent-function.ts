import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Msg } from '@nats-io/transport-node';
import { z } from 'zod';
import { httpHeaders } from '@faascam/connector/invocation';
import type { Messaging } from '@faascam/core/messaging';
import { readStack } from '@faascam/local/gateway/stack';
import { endOf, pidOf } from './agent-site.ts';

const listening = z.object({ listening: z.number().int() });

/** A function in a process of its own, as it runs behind the gateway. This process calls it, as the connector does. */
export interface BenchFunction {
  pid: number;
  /** Calls it with a message, resolves with the answer's status. */
  call: (
    message: Pick<Msg, 'subject' | 'data'> & { headers?: Msg['headers'] | undefined },
    contentType: 'image/jpeg' | 'application/json',
  ) => Promise<number>;
  /** Calls it with the newest message of a subject, one at a time, as the connector does with frames. */
  takeNewest(messaging: Messaging, subject: string): void;
  stop(): Promise<void>;
}

export async function startFunction(
  name: 'motion' | 'clip',
  env: Record<string, string>,
): Promise<BenchFunction> {
  const root = new URL('../../../', import.meta.url).pathname;
  const handler = `${root}functions/${name}/dist/handler.js`;
  const spec = readStack(`${root}stack.yml`, {}).find((candidate) => candidate.name === name);
  const child = fork(new URL('../../../template/faascam-node/dist/index.js', import.meta.url), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: {
      ...process.env,
      ...spec?.environment,
      ...{ FAASCAM_LOG: 'warn', FAASCAM_FUNCTION: name, FAASCAM_HANDLER: handler, http_port: '0' },
      ...env,
    },
  });
  const said: unknown[] = await once(child, 'message');
  const { listening: port } = listening.parse(said[0]);
  const url = `http://127.0.0.1:${port}/`;
  const call: BenchFunction['call'] = async ({ subject, data, headers }, contentType) => {
    const passed = httpHeaders({ subject, body: data, headers: headers ?? [] }, contentType);
    const passedOn = new Headers();
    for (const [name, value] of Object.entries(passed)) passedOn.set(name, String(value));
    const answer = await fetch(url, { method: 'POST', body: Buffer.from(data), headers: passedOn });
    await answer.arrayBuffer();
    return answer.status;
  };
  return {
    pid: pidOf(child),
    call,
    takeNewest: ({ nc }, subject) => {
      let newest: Msg | undefined;
      let busy = false;
      const work = async (): Promise<void> => {
        busy = true;
        for (let message = newest; message !== undefined; message = newest) {
          newest = undefined;
          await call(message, 'image/jpeg').catch(() => undefined);
        }
        busy = false;
      };
      nc.subscribe(subject, {
        callback: (_error, message) => {
          newest = message;
          if (!busy) void work();
        },
      });
    },
    stop: () => endOf(child),
  };
}
