import { StoreError, systemCodeOf } from './errors.ts';

/** What a failure of the file system means to whoever runs the store. `StoreError` and `RangeError` stay what they are. */
export function directoryErrorOf(error: unknown, doing: string, path: string): Error {
  if (error instanceof StoreError || error instanceof RangeError) return error;
  const code = systemCodeOf(error) ?? 'unknown error';
  const what = `Clip store: cannot ${doing} ${path}`;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new StoreError('store-full', `${what}: the disk is full. Free space or shorten the retention.`, {
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
      return new StoreError(
        'store-not-writable',
        `${what}: permission denied. Give the user that runs faascam the right to write there.`,
        { cause: error },
      );
    case 'EROFS':
      return new StoreError(
        'store-not-writable',
        `${what}: the file system is read-only. Mount it writable or set another store.path.`,
        { cause: error },
      );
    case 'EEXIST':
    case 'ENOTDIR':
      return new StoreError(
        'store-not-writable',
        `${what}: a part of the path is a file. Move it away or set another store.path.`,
        { cause: error },
      );
    case 'EXDEV':
      return new StoreError(
        'store-not-writable',
        `${what}: it lies on another file system than the store's folder. Mount the whole folder there instead.`,
        { cause: error },
      );
    default:
      return new StoreError('store-failed', `${what}: ${code}.`, { cause: error });
  }
}
