import { messageOf, systemCodeOf, UsageError } from '@faascam/core/errors';
import type { FunctionHandler, FunctionModule } from '@faascam/core/function';

/**
 * Loads a handler's module, ESM or CommonJS. `name` is what to call it in an error. What CommonJS exports is the
 * handler itself, as the official template wants it, and `ready` and `close` may be properties of it.
 * Throws `UsageError` when it is missing or exports no handler; what its own code throws passes through.
 */
export async function loadHandler(url: string, name: string): Promise<FunctionModule> {
  let module: unknown;
  try {
    module = await import(url);
  } catch (cause) {
    // A missing import of the handler's own is the handler's fault and tells its own name.
    if (
      systemCodeOf(cause) === 'ERR_MODULE_NOT_FOUND' &&
      messageOf(cause).includes(`'${new URL(url).pathname}'`)
    ) {
      throw new UsageError(
        'handler-missing',
        `There is no handler at ${name}: build it, or set FAASCAM_HANDLER.`,
        {
          cause,
        },
      );
    }
    throw cause;
  }
  const handler = property(module, 'default');
  if (!isHandler(handler)) {
    throw new UsageError(
      'handler-malformed',
      `${name} exports no function as default: see the handler contract.`,
    );
  }
  const ready = property(module, 'ready') ?? property(handler, 'ready');
  const close = property(module, 'close') ?? property(handler, 'close');
  return {
    default: handler,
    ...(isTask(ready) ? { ready } : {}),
    ...(isTask(close) ? { close } : {}),
  };
}

function property(holder: unknown, name: string): unknown {
  const holds = (typeof holder === 'object' && holder !== null) || typeof holder === 'function';
  return holds ? Reflect.get(holder, name) : undefined;
}

function isHandler(value: unknown): value is FunctionHandler {
  return typeof value === 'function';
}

function isTask(value: unknown): value is () => Promise<void> {
  return typeof value === 'function';
}
