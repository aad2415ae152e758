import { resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { messageOf, UsageError } from '@faascam/core/errors';
import { createLogger } from '@faascam/core/log';
import { loadHandler } from './handler.ts';
import { startFunctionHost } from './host.ts';
import { hostSettings } from './settings.ts';

/**
 * What runs inside a function's container behind of-watchdog (mode=http), and as a child process on one machine.
 * A parent that opened an IPC channel is told the port (`{ listening }`), and its death ends this process.
 */
const log = createLogger(process.env['FAASCAM_FUNCTION'] ?? 'function');

function die(what: string): (error: unknown) => void {
  return (error) => {
    // A watchdog or gateway must see a crash as a crash: after an exit with 0 it would go on without a function.
    log.fatal({ err: error instanceof Error ? error.stack?.slice(0, 4000) : messageOf(error) }, what);
    process.exit(1);
  };
}

process.on('uncaughtException', die('the function crashed on an error that nothing caught'));
process.on('unhandledRejection', die('the function crashed on a rejection that nothing caught'));

try {
  const settings = hostSettings(process.env);
  const module = await loadHandler(pathToFileURL(resolve(settings.handlerPath)).href, settings.handlerPath);
  const host = await startFunctionHost({ ...settings, module, log });

  let stopping = false;
  const stop = (reason: string, serveMs: number, limitMs: number): void => {
    if (stopping) {
      log.warn({ reason, inFlight: host.inFlight() }, 'asked to stop again: leaving at once');
      process.exit(1);
    }
    stopping = true;
    log.info({ reason, inFlight: host.inFlight() }, 'draining');
    setTimeout(() => {
      log.error({ inFlight: host.inFlight(), limitMs }, 'calls were still in flight at the end of the drain');
      process.exit(1);
    }, limitMs);
    host.drain(serveMs).then(() => process.exit(0), die('the function could not be closed'));
  };
  process.on('SIGTERM', () => stop('SIGTERM', settings.drainServeMs, settings.drainTimeoutMs));
  process.on('SIGINT', () => {
    // Ctrl-C reaches the whole process group; under a parent it is the parent's to say when we stop.
    if (!process.connected) stop('SIGINT', 0, settings.drainTimeoutMs);
  });
  process.on('disconnect', () => {
    if (!stopping) stop('the parent process is gone', 0, Math.min(5000, settings.drainTimeoutMs));
  });
  process.send?.({ listening: host.port });
  log.info({ url: host.url, handler: settings.handlerPath }, 'serving');
} catch (error) {
  log.fatal(
    { err: error instanceof UsageError ? undefined : error instanceof Error ? error.stack : undefined },
    messageOf(error),
  );
  process.exit(1);
}
