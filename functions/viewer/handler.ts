import { existsSync } from 'node:fs';
import { systemClock } from '@faascam/core/clock';
import { FaascamError } from '@faascam/core/errors';
import type { FunctionContext, FunctionEvent } from '@faascam/core/function';
import { createLogger } from '@faascam/core/log';
import { natsAccessFromEnv } from '@faascam/core/nats-access';
import { readSecret } from '@faascam/core/settings';
import { storeSettingsFromEnv } from '@faascam/core/store-from-env';
import { openStore } from '@faascam/core/store';
import { errorAnswer, send } from './answer.ts';
import { gateFromEnv } from './auth/gate.ts';
import { loadPageFiles } from './page-files.ts';
import { shareSecretFromEnv } from './share-link.ts';
import { Viewer } from './viewer.ts';

interface Open {
  viewer: Viewer;
  close: () => Promise<void>;
}

const log = createLogger('viewer');
let opened: Promise<Open> | undefined;

/** The web page and its API. Environment: FAASCAM_STORE (YAML) or S3_*, FAASCAM_DATA (folder), NATS_URL, FAASCAM_LOGIN
 * (YAML) and FAASCAM_VIEWER_OPEN. */
export default async function viewer(
  event: FunctionEvent,
  context: FunctionContext,
): Promise<FunctionContext> {
  let open: Open;
  try {
    open = await opening();
  } catch (error) {
    if (!(error instanceof FaascamError)) throw error;
    const asked = { method: event.method.toUpperCase(), header: () => undefined };
    return send(asked, errorAnswer(503, error.message), context);
  }
  return await open.viewer.handle(event, context);
}

/**
 * Resolves once the page can be served. The store and NATS may be away then: the page says so, which helps more
 * than a function that does not start.
 */
export async function ready(): Promise<void> {
  await opening();
}

export async function close(): Promise<void> {
  const closing = opened;
  opened = undefined;
  await (await closing)?.close();
}

function opening(): Promise<Open> {
  opened ??= open().catch((error: unknown) => {
    // Tried again at the next call: a secret may be put in its place, a store may come up.
    opened = undefined;
    throw error;
  });
  return opened;
}

/** Shared with the agents' live servers; empty where there is none. */
function liveSecretFromEnv(env = process.env): string {
  const path = env['LIVE_SECRET_FILE'] ?? '';
  return path === '' || !existsSync(path) ? '' : readSecret(path, 'live view');
}

async function open(): Promise<Open> {
  const page = await loadPageFiles();
  const settings = storeSettingsFromEnv();
  const store = await openStore(settings, process.env['FAASCAM_DATA'] ?? 'faascam-data');
  const viewer = new Viewer({
    store,
    page,
    nats: natsAccessFromEnv('viewer'),
    clock: systemClock,
    log,
    liveSecret: liveSecretFromEnv(),
    shareSecret: shareSecretFromEnv,
    gate: (nats) => gateFromEnv({ nats, clock: systemClock, log }),
  });
  return {
    viewer,
    close: async () => {
      await viewer.close();
      await store.close();
    },
  };
}
