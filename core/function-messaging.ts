import { closeNats, connectNats, ensureStreams, type Messaging } from './messaging.ts';
import { natsAccessFromEnv } from './nats-access.ts';

export interface FunctionMessaging {
  /** The function's one connection, made at first use; a failed attempt is made again at the next use. */
  get(): Promise<Messaging>;
  close(): Promise<void>;
}

/** A function's connection to NATS, as `NATS_URL` and the variables beside it say (`natsAccessFromEnv`). */
export function functionMessaging(functionName: string): FunctionMessaging {
  let opening: Promise<Messaging> | undefined;
  return {
    get: () => {
      opening ??= open(functionName).catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
      return opening;
    },
    close: async () => {
      const messaging = await opening?.catch(() => undefined);
      opening = undefined;
      if (messaging !== undefined) await closeNats(messaging);
    },
  };
}

async function open(functionName: string): Promise<Messaging> {
  const messaging = await connectNats(natsAccessFromEnv(functionName), `faascam ${functionName}`);
  try {
    await ensureStreams(messaging.jsm);
  } catch (error) {
    await messaging.nc.close();
    throw error;
  }
  void keepStreams(messaging);
  return messaging;
}

/** Streams in memory are gone after a restart of the NATS server: makes them again at each reconnect. */
async function keepStreams({ nc, jsm }: Messaging): Promise<void> {
  for await (const status of nc.status()) {
    // A failure shows at the next publish, which is answered with an error and tried again.
    if (status.type === 'reconnect') await ensureStreams(jsm).catch(() => undefined);
  }
}
