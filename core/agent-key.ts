import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { createWhole, isMissing, removeUnfinished } from './durable-file.ts';
import { FaascamError, messageOf, systemCodeOf, UsageError } from './errors.ts';
import { publicKey } from './ids.ts';

const PRIVATE = 'agent-key.pem';
const PUBLIC = 'agent-key.pub';

/** An agent's own ed25519 key (RFC 8032). */
export interface AgentKey {
  /** Its 32 bytes in base64. */
  readonly publicKey: string;
  /** Whether it was made just now. */
  readonly isNew: boolean;
  /** The signature in base64. */
  sign(bytes: Buffer): string;
}

/**
 * The key in the folder, which is made if it is not there: `agent-key.pem` (PKCS #8, for its owner alone) and, for
 * people, `agent-key.pub`. A key that cannot be read is never replaced: throws `UsageError` `agent-key-damaged`, or
 * `FaascamError` `agent-key-failed` when the folder cannot be read or written.
 */
export async function openAgentKey(directory: string): Promise<AgentKey> {
  const path = join(directory, PRIVATE);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await removeUnfinished(directory);
    const found = await readKey(path);
    const isNew = found === undefined && (await makeKey(path));
    const key = found ?? (await readKey(path));
    if (key === undefined) throw new Error('it vanished while it was read');
    const text = publicTextOf(key);
    // A copy for people, which nothing depends on.
    await writeFile(join(directory, PUBLIC), `${text}\n`);
    return { publicKey: text, isNew, sign: (bytes) => sign(null, bytes, key).toString('base64') };
  } catch (cause) {
    if (cause instanceof FaascamError) throw cause;
    throw new FaascamError(
      'agent-key-failed',
      `The agent's key ${path} cannot be read or made (${systemCodeOf(cause) ?? messageOf(cause)}): check the folder's owner and the free space.`,
      { cause },
    );
  }
}

/** Whether `signature` is the one of `bytes` by the owner of the public key; both in base64. */
export function isSignedBy(key: string, bytes: Buffer, signature: string): boolean {
  try {
    return verify(null, bytes, keyOf(key), Buffer.from(signature, 'base64'));
  } catch {
    // Bytes that are no point of the curve: no key has signed this.
    return false;
  }
}

/** A public key out of a file's text: 32 bytes in base64, or PEM. Undefined if it is none. */
export function publicKeyFrom(text: string): string | undefined {
  const bare = text.trim();
  if (publicKey.safeParse(bare).success) return bare;
  // Out of a private key, its public one would be taken too; whoever pins that has mistaken the file.
  if (!bare.includes('PUBLIC KEY')) return undefined;
  try {
    return publicTextOf(createPublicKey(bare));
  } catch {
    return undefined;
  }
}

async function readKey(path: string): Promise<KeyObject | undefined> {
  let pem: string;
  try {
    pem = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // What the parser says of a key's text is no help, and may quote it.
  }
  throw new UsageError(
    'agent-key-damaged',
    `The agent's key ${path} is damaged, and is not replaced, because each camera's chain of events would begin anew: put it back from a backup, or move it away to have a new one made.`,
  );
}

/** False when another process was quicker: then its key is the one. */
async function makeKey(path: string): Promise<boolean> {
  const { privateKey } = generateKeyPairSync('ed25519');
  return await createWhole(path, Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })), 0o600);
}

const octetKey = z.object({ crv: z.literal('Ed25519'), x: z.string() });

/** Throws for a key of another kind. */
function publicTextOf(key: KeyObject): string {
  const { x } = octetKey.parse(key.export({ format: 'jwk' }));
  return Buffer.from(x, 'base64url').toString('base64');
}

function keyOf(text: string): KeyObject {
  const x = Buffer.from(text, 'base64').toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}
