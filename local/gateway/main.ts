import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { messageOf, UsageError } from '@faascam/core/errors';
import { createLogger } from '@faascam/core/log';
import { startGateway } from './gateway.ts';

/**
 * The gateway as a process of its own. Settings: `--stack`, `--host`, `--port`, or FAASCAM_STACK, GATEWAY_HOST,
 * GATEWAY_PORT; and
 * GATEWAY_PAGE_HOST with GATEWAY_PAGE_PORT where the page has an address of its own. Once it serves and its functions are ready it says so, to its parent or as a line on stdout:
 * `{ "ready": true, "url": ..., "notReady": [{ "name", "cause" }] }`. If it cannot serve, a parent gets `{ "failed": why }`.
 */
const log = createLogger('gateway');
/** A function that is not ready by then (its model, its bucket) does not keep the others from being used. */
const READY_WITHIN_MS = 20_000;

// Until the gateway runs there is nothing to finish; functions that have started end with us.
let stop = (reason: string): void => {
  log.info({ reason }, 'stopping before the start');
  process.exit(0);
};
process.on('SIGTERM', () => stop('SIGTERM'));
process.on('SIGINT', () => {
  // Ctrl-C reaches the whole process group; under a parent it is the parent's to say when we stop.
  if (!process.connected) stop('SIGINT');
});
process.on('disconnect', () => stop('the parent process is gone'));

try {
  const { values } = parseArgs({
    options: { stack: { type: 'string' }, host: { type: 'string' }, port: { type: 'string' } },
  });
  const gateway = await startGateway({
    stackPath: values.stack ?? process.env['FAASCAM_STACK'] ?? 'stack.yml',
    variables: process.env,
    host: values.host ?? process.env['GATEWAY_HOST'] ?? '127.0.0.1',
    port: portFrom(values.port ?? process.env['GATEWAY_PORT'] ?? '8080'),
    ...pageFrom(process.env),
    log,
  });

  let stopping = false;
  stop = (reason) => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'stopping');
    gateway.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: messageOf(error) }, 'the gateway could not be stopped');
        process.exit(1);
      },
    );
  };

  const patience = new AbortController();
  await Promise.race([gateway.ready(), sleep(READY_WITHIN_MS, undefined, { signal: patience.signal })]);
  patience.abort();
  const notReady = gateway.functions
    .filter(({ ready }) => !ready)
    .map(({ name, cause }) => ({ name, cause }));
  if (notReady.length > 0) log.warn({ notReady }, 'some functions are not ready yet');
  const message = { ready: true, url: gateway.url, notReady };
  if (process.send) process.send(message);
  else process.stdout.write(`${JSON.stringify(message)}\n`);
} catch (error) {
  const code = error instanceof UsageError ? 2 : 1;
  log.fatal(messageOf(error));
  if (process.send) process.send({ failed: messageOf(error) }, () => process.exit(code));
  else process.exit(code);
}

function pageFrom(env: NodeJS.ProcessEnv): { page?: { host: string; port: number } } {
  const host = env['GATEWAY_PAGE_HOST'] ?? '';
  return host === '' ? {} : { page: { host, port: portFrom(env['GATEWAY_PAGE_PORT'] ?? '8080') } };
}

function portFrom(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new UsageError('bad-setting', `The gateway's port must be a number from 0 to 65535, not ${text}.`);
}
