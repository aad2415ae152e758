import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import type { FunctionContext, FunctionHandler } from '@faascam/core/function';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { ensureSite } from '@faascam/core/site-buckets';
import { streams } from '@faascam/core/subjects';
import { vi } from 'vitest';

export interface Handler {
  default: FunctionHandler;
  ready: () => Promise<void>;
  close: () => Promise<void>;
}

export interface Answer {
  status: number;
  text: string;
}

/** A NATS server with all that faascam has in one, and notify as it is on it. */
export interface TestSite {
  folder: string;
  server: NatsServer;
  messaging: Messaging;
  /** The function as it is after a start, with these settings. */
  start: (settings: object) => Promise<Handler>;
  call: (handler: Handler, topic: string, body: unknown) => Promise<Answer>;
  /**
   * Brings each notice to the handler as the connector does: in order, until it is answered with 200 or 4xx. `tries`: of
   * each at most, the rest stays. Answers what was answered.
   */
  deliver: (handler: Handler, tries?: number) => Promise<Answer[]>;
  stop: () => Promise<void>;
}

export async function openSite(): Promise<TestSite> {
  const folder = mkdtempSync(join(tmpdir(), 'faascam-notify-'));
  const server = await startNatsServer({ directory: join(folder, 'nats') });
  const messaging = await connectNats(server.url, 'test');
  await ensureSite(messaging);
  const handlers = new Set<Handler>();
  vi.stubEnv('NATS_URL', server.url);
  const pending: { subject: string; body: unknown }[] = [];
  let readUpTo = 0;

  const call: TestSite['call'] = async (handler, topic, body) => {
    let status = 200;
    let text = '';
    const context: FunctionContext = {
      status: (code = 200) => {
        status = code;
        return context;
      },
      headers: () => context,
      succeed: (value) => {
        text = String(value);
        return context;
      },
      fail: () => context,
    };
    const event = { body: Buffer.from(JSON.stringify(body)), method: 'POST', path: '/', query: {} };
    await handler.default({ ...event, headers: { 'x-topic': topic } }, context);
    return { status, text };
  };

  return {
    folder,
    server,
    messaging,
    call,
    start: async (settings) => {
      vi.stubEnv('FAASCAM_NOTIFY', JSON.stringify(settings));
      vi.resetModules();
      const handler: Handler = await import('../handler.ts');
      await handler.ready();
      handlers.add(handler);
      return handler;
    },
    deliver: async (handler, tries = 1) => {
      const answers: Answer[] = [];
      for (;;) {
        const { state } = await messaging.jsm.streams.info(streams.notices);
        while (readUpTo < state.last_seq) {
          readUpTo += 1;
          const message = await messaging.jsm.streams.getMessage(streams.notices, { seq: readUpTo });
          if (message !== null) pending.push({ subject: message.subject, body: message.json() });
        }
        const [next] = pending;
        if (next === undefined) return answers;
        let answer: Answer = { status: 0, text: '' };
        for (let tried = 0; tried < tries; tried++) {
          answer = await call(handler, next.subject, next.body);
          if (answer.status < 500) break;
          await systemClock.sleep(20);
        }
        answers.push(answer);
        if (answer.status >= 500) return answers;
        pending.shift();
      }
    },
    stop: async () => {
      for (const handler of handlers) await handler.close();
      await messaging.nc.close();
      await server.stop();
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true });
    },
  };
}
