/** Resolves when the signal is aborted; at once if it was. */
export async function aborted(signal: AbortSignal): Promise<void> {
  await orAborted(new Promise(() => undefined), signal);
}

/** What the promise says, or undefined if the signal is aborted before. Nothing stays with the signal. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let stop: () => void = () => undefined;
  const stopped = new Promise<undefined>((resolve) => (stop = () => resolve(undefined)));
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([promise, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
