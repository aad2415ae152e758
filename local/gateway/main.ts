import process from 'node:process';
import { parseArgs } from 'node:util';
import { messageOf, UsageError } from '@faascam/core/errors';
import { createLogger } from '@faascam/core/log';
import { startGateway } from './gateway.ts';

/**
 * The gateway as a process of its own. Settings: `--stack`, `--host`, `--port`, or FAASCAM_STACK, GATEWAY_HOST,
 * GATEWAY_PORT. Once it serves it says so: `{ "ready": true, "url": ... }` to its parent, or as a line on stdout.
 */
const log = createLogger('gateway');

try {
  const { values } = parseArgs({
    options: { stack: { type: 'string' }, host: { type: 'string' }, port: { type: 'string' } },
  });
  const gateway = await startGateway({
    stackPath: values.stack ?? process.env['FAASCAM_STACK'] ?? 'stack.yml',
    variables: process.env,
    host: values.host ?? process.env['GATEWAY_HOST'] ?? '127.0.0.1',
    port: portFrom(values.port ?? process.env['GATEWAY_PORT'] ?? '8080'),
    log,
  });

  let stopping = false;
  const stop = (reason: string): void => {
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
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => {
    // Ctrl-C reaches the whole process group; under a parent it is the parent's to say when we stop.
    if (!process.connected) stop('SIGINT');
  });
  process.on('disconnect', () => stop('the parent process is gone'));

  const message = { ready: true, url: gateway.url };
  if (process.send) process.send(message);
  else process.stdout.write(`${JSON.stringify(message)}\n`);
} catch (error) {
  log.fatal(messageOf(error));
  process.exit(error instanceof UsageError ? 2 : 1);
}

function portFrom(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new UsageError('bad-setting', `The gateway's port must be a number from 0 to 65535, not ${text}.`);
}
