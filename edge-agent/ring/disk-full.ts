import { systemCodeOf } from '@faascam/core/errors';

export function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(systemCodeOf(error) ?? '');
}

/** Writes a note that is worth having but must not stop a camera: a full disk goes without it. */
export async function unlessDiskFull(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}
