import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCodeOf, UsageError } from '@faascam/core/errors';
import { eventId } from '@faascam/core/ids';

/** What a link shows, and until when. */
export interface Shared {
  id: string;
  /** Seconds since the Unix epoch. */
  expiresS: number;
}

const TOKEN = /^([0-9a-z]{1,8})\.([a-z0-9_-]{1,96})\.([A-Za-z0-9_-]{43})$/;

/** The address of one event for whoever has it: its id and end, and a mark over both (HMAC-SHA-256). Pure. */
export function shareTokenOf({ id, expiresS }: Shared, secret: Buffer): string {
  const text = `${expiresS.toString(36)}.${id}`;
  return `${text}.${markOf(text, secret).toString('base64url')}`;
}

/** What the token shows; undefined unless it was made with the secret. Whether it has expired is not looked at. Pure. */
export function sharedOf(token: string, secret: Buffer): Shared | undefined {
  const [, end, id, mark] = TOKEN.exec(token) ?? [];
  if (end === undefined || id === undefined || mark === undefined) return undefined;
  const given = Buffer.from(mark, 'base64url');
  const right = markOf(`${end}.${id}`, secret);
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
  // Two texts may mean the same bytes: only the one that was given out counts.
  if (given.toString('base64url') !== mark || !eventId.safeParse(id).success) return undefined;
  return { id, expiresS: Number.parseInt(end, 36) };
}

function markOf(text: string, secret: Buffer): Buffer {
  return createHmac('sha256', secret).update(`faascam share ${text}`).digest();
}

const SECRET = '/var/openfaas/secrets/viewer-share-secret';
const MIN_BYTES = 16;

/**
 * What share links are signed with: the file of FAASCAM_SHARE_SECRET_FILE, else the secret `viewer-share-secret`, else one
 * that is made at its first use and kept in the data folder. Another secret ends all links. Throws `UsageError`.
 */
export async function shareSecretFromEnv(env = process.env, mounted = SECRET): Promise<Buffer> {
  const file = env['FAASCAM_SHARE_SECRET_FILE'] ?? '';
  if (file !== '') return await secretIn(file);
  try {
    return await secretIn(mounted);
  } catch (error) {
    if (!(error instanceof UsageError) || error.code !== 'secret-missing') throw error;
  }
  const own = join(env['FAASCAM_DATA'] ?? 'faascam-data', 'viewer-share-secret');
  const making = `${own}.${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(dirname(own), { recursive: true });
    await writeFile(making, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flush: true });
    try {
      // Whole, or not at all, and by one of several that begin at the same time.
      await link(making, own);
    } finally {
      await unlink(making);
    }
  } catch (cause) {
    if (systemCodeOf(cause) !== 'EEXIST') {
      throw new UsageError(
        'secret-missing',
        `A secret for share links could not be kept in ${own} (${systemCodeOf(cause) ?? 'unknown'}): name a file in FAASCAM_SHARE_SECRET_FILE.`,
        { cause },
      );
    }
  }
  return await secretIn(own);
}

async function secretIn(file: string): Promise<Buffer> {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new UsageError(
      'secret-missing',
      `The secret for share links cannot be read from ${file} (${systemCodeOf(cause) ?? 'unknown'}): put it there, readable for this user.`,
      { cause },
    );
  }
  if (text.length < MIN_BYTES) {
    throw new UsageError(
      'bad-setting',
      `The secret for share links in ${file} is shorter than ${MIN_BYTES} characters: make one with "openssl rand -hex 32".`,
    );
  }
  return Buffer.from(text);
}
