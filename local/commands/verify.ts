import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { publicKeyFrom } from '@faascam/core/agent-key';
import { FaascamError, systemCodeOf, UsageError } from '@faascam/core/errors';
import { openStore, requirePrefix } from '@faascam/core/store';
import { writeJson } from '../json-output.ts';
import { configOf } from '../quick-config.ts';
import { chosenStore, type StoreChoice } from '../store-choice.ts';
import { print, tell } from '../terminal.ts';
import type { ChainHead } from '../verify/chain-check.ts';
import type { Finding } from '../verify/finding.ts';
import { foldersInStore, foldersOnDisk, type EventFolder } from '../verify/folders.ts';
import { natsReaderOf } from '../nats-address.ts';
import { headsFromFile, headsFromNats } from '../verify/heads.ts';
import { verify as verifyFolders, type VerifyResult } from '../verify/verification.ts';

export interface VerifyCommand extends StoreChoice {
  /** Public keys, or files that hold them. */
  key?: string[] | undefined;
  /** `[camera=]number` of the oldest link that must be there. */
  from?: string[] | undefined;
  allowUnsigned?: boolean | undefined;
  live?: boolean | undefined;
  head?: string[] | undefined;
  json?: string | undefined;
}

/**
 * `faascam verify`: whether clips are what was stored, receipts what the agents have signed, and no event was taken away.
 * Throws `FaascamError` `not-verified` when something is wrong, `UsageError`, and `StoreError`.
 */
export async function verify(
  path: string | undefined,
  command: VerifyCommand,
  signal: AbortSignal,
): Promise<void> {
  const pinned = new Set(await Promise.all((command.key ?? []).map(pinnedKey)));
  const oldestOf = oldestLinks(command.from ?? []);
  const heads = await headsFor(command);
  const looked = await openPlace(path, command);
  const findings: Finding[] = [];
  let result: VerifyResult;
  try {
    result = await verifyFolders(looked.folders, {
      ...{ pinned, oldestOf, heads, signal, allowUnsigned: command.allowUnsigned ?? false },
      onFindings: (found) => {
        if (command.json === undefined) for (const line of linesOf(found)) print(line);
        else findings.push(...found);
      },
    });
  } finally {
    await looked.close();
  }
  const ok = result.wrongEvents + result.wrongChains === 0;
  const nothing = result.events + result.removed === 0;
  if (command.json !== undefined) {
    const report = { v: 1, ok: ok && !nothing, place: looked.description, ...result, findings };
    await writeJson(report, command.json);
  } else for (const line of summary(result, pinned)) print(line);
  if (ok && nothing)
    throw new FaascamError(
      'nothing-to-verify',
      `There is no event in ${looked.description}: nothing was verified.`,
    );
  if (!ok) {
    throw new FaascamError(
      'not-verified',
      `${counted(result.wrongEvents, 'event')} and ${counted(result.wrongChains, 'chain')} are wrong in ${looked.description}; docs/evidence.md tells what each finding means.`,
    );
  }
}

/** A line for what is wrong, which names the first thing, and one for each note. */
function linesOf(found: readonly Finding[]): string[] {
  const [first, ...others] = found.filter(({ level }) => level === 'wrong');
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const notes = found.filter(({ level }) => level === 'note').map(({ message }) => `note   ${message}`);
  return first === undefined ? notes : [`WRONG  ${first.message}${more}`, ...notes];
}

function summary({ events, removed, unsigned, chains }: VerifyResult, pinned: ReadonlySet<string>): string[] {
  const keys = chains
    .filter(({ links }) => links > 0)
    .map(({ camera, publicKey, first, last, unsealed }) => {
      const trust = pinned.has(publicKey) ? 'pinned' : 'not pinned: give it with --key';
      const newest = unsealed === 0 ? '' : `; of ${unsealed} no later event tells yet`;
      return `${camera}: links ${first} to ${last}, key ${publicKey} (${trust})${newest}`;
    });
  const bare = unsigned === 0 ? '' : `, ${unsigned} unsigned`;
  return [...keys, `${counted(events, 'event')}, ${removed} removed${bare}.`];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

interface Place {
  description: string;
  folders: AsyncIterable<EventFolder>;
  close(): Promise<void>;
}

async function openPlace(path: string | undefined, command: VerifyCommand): Promise<Place> {
  const bucket = path === undefined ? null : /^s3:\/\/([^/]+)\/?(.*)$/i.exec(path);
  if (path !== undefined && command.store !== undefined)
    throw new UsageError('usage', 'Give either a place or --store, not both.');
  if (path !== undefined && bucket === null) return await openFolder(path);
  const settings = chosenStore(bucket === null ? command : { ...command, store: `s3://${bucket[1] ?? ''}` });
  if (settings.kind === 'directory') {
    return await openFolder(settings.path === '' ? join(configOf(command).data, 'clips') : settings.path);
  }
  const prefix = bucket?.[2] ?? '';
  try {
    requirePrefix(prefix);
  } catch (cause) {
    throw new UsageError('usage', `No key in the bucket begins with ${JSON.stringify(prefix)}.`, { cause });
  }
  // What is named on the command line is looked for from the bucket's root on, whatever the config's clips begin with.
  const whole = bucket === null ? {} : { prefix: '' };
  const store = await openStore({ ...settings, ...whole, createBucket: false }, '');
  return {
    description: prefix === '' ? store.description : `${prefix} of ${store.description}`,
    folders: foldersInStore(store, prefix),
    close: () => store.close(),
  };
}

/** A folder, or the receipt of the one event to look at. The disk is only read. */
async function openFolder(path: string): Promise<Place> {
  let folder = resolve(path);
  try {
    if (!(await stat(folder)).isDirectory()) folder = dirname(folder);
  } catch (cause) {
    throw new UsageError(
      'usage',
      `${path} cannot be looked into (${systemCodeOf(cause) ?? 'unknown fault'}): give a folder of clips, an event.json or s3://<bucket>.`,
      { cause },
    );
  }
  return {
    description: `folder ${folder}`,
    folders: foldersOnDisk(folder),
    close: () => Promise.resolve(),
  };
}

async function pinnedKey(given: string): Promise<string> {
  const bare = publicKeyFrom(given);
  if (bare !== undefined) return bare;
  try {
    const key = publicKeyFrom(await readFile(given, 'utf8'));
    if (key !== undefined) return key;
  } catch (cause) {
    const why = systemCodeOf(cause) ?? 'unknown fault';
    throw new UsageError('usage', `--key ${given} is neither a public key nor a readable file (${why}).`, {
      cause,
    });
  }
  throw new UsageError(
    'usage',
    `--key ${given} holds no public key: give 32 bytes in base64, as in agent-key.pub of the agent's folder, or PEM.`,
  );
}

function oldestLinks(given: readonly string[]): (camera: string) => number {
  const oldest = new Map<string, number>();
  for (const text of given) {
    const [, camera = '', number] = /^(?:([a-z0-9_-]+)=)?([1-9]\d{0,14})$/.exec(text) ?? [];
    if (number === undefined)
      throw new UsageError('usage', `--from ${text} is no number of a link: write 120, or yard=120.`);
    oldest.set(camera, Number(number));
  }
  return (camera) => oldest.get(camera) ?? oldest.get('') ?? 1;
}

async function headsFor(command: VerifyCommand): Promise<ChainHead[]> {
  const fromFiles = (await Promise.all((command.head ?? []).map(headsFromFile))).flat();
  if (command.live !== true) return fromFiles;
  const config = configOf(command);
  const nats = config.nats.url === '' ? undefined : await natsReaderOf(config);
  if (nats === undefined)
    throw new UsageError(
      'usage',
      '--live asks the agents over NATS: give --nats <url> or nats.url in the config.',
    );
  const heads = await headsFromNats(nats);
  if (heads.length === 0) tell('No agent tells of signed events yet: the newest ones cannot be compared.');
  return [...fromFiles, ...heads];
}
