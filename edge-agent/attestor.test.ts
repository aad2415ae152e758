import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAgentKey, publicKeyFrom } from '@faascam/core/agent-key';
import { attestation, linkSha256, type Attestation } from '@faascam/core/attestation';
import { canonicalJson } from '@faascam/core/canonical-json';
import { createLogger } from '@faascam/core/log';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Attestor } from './attestor.ts';
import { Chain } from './chain.ts';
import { wantedClip } from './test-site.ts';

const SECOND_US = 1_000_000;
const START_US = 1_700_000_000_000_000;
const log = createLogger('test');

let data: string;

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'faascam-attestor-'));
});

afterEach(async () => {
  await rm(data, { recursive: true });
});

async function open(): Promise<Attestor> {
  return await Attestor.open({ dataDirectory: data, agent: 'edge', log });
}

function readyOf(second: number, camera = 'yard') {
  const startUs = START_US + second * SECOND_US;
  const segment = { object: 'any', sha256: 'a'.repeat(64), sizeBytes: 9, startUs, durationUs: 9 };
  const wanted = wantedClip(camera, startUs, startUs + SECOND_US);
  return { ...wanted, agent: 'edge', segments: [segment], gaps: [], codec: { video: 'h264' } };
}

async function attest(attestor: Attestor, second: number, camera = 'yard'): Promise<Attestation> {
  return attestation.parse(await attestor.attest(readyOf(second, camera)));
}

function isSigned({ signature, ...statement }: Attestation): boolean {
  const x = Buffer.from(statement.publicKey, 'base64').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verify(null, Buffer.from(canonicalJson(statement)), key, Buffer.from(signature, 'base64'));
}

describe("an agent's key", () => {
  const folder = () => join(data, 'evidence');

  test('is made once, for its owner alone, and is the same at each start, whoever asks first', async () => {
    const keys = await Promise.all([openAgentKey(folder()), openAgentKey(folder()), openAgentKey(folder())]);
    expect(new Set(keys.map(({ publicKey }) => publicKey)).size).toBe(1);
    expect((await stat(join(folder(), 'agent-key.pem'))).mode & 0o777).toBe(0o600);
    expect((await openAgentKey(folder())).isNew).toBe(false);
    expect((await readdir(folder())).sort()).toEqual(['agent-key.pem', 'agent-key.pub']);
    const text = await readFile(join(folder(), 'agent-key.pub'), 'utf8');
    expect(publicKeyFrom(text)).toBe(keys[0].publicKey);
    expect(Buffer.from(keys[0].publicKey, 'base64').length).toBe(32);
  });

  test.each([
    '',
    'no key',
    '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n',
  ])('is never replaced when it is damaged: %j', async (text) => {
    await openAgentKey(folder());
    const path = join(folder(), 'agent-key.pem');
    await writeFile(path, text);
    await expect(openAgentKey(folder())).rejects.toMatchObject({ code: 'agent-key-damaged' });
    await expect(openAgentKey(folder())).rejects.toThrow(`${path} is damaged, and is not replaced`);
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  test('is known by its PEM too, and a private key is none to be pinned', async () => {
    const { publicKey } = await openAgentKey(folder());
    const pem = await readFile(join(folder(), 'agent-key.pem'), 'utf8');
    expect(publicKeyFrom(pem)).toBeUndefined();
    expect(publicKeyFrom(createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString())).toBe(
      publicKey,
    );
    expect(publicKeyFrom('AAAA')).toBeUndefined();
  });

  test('that cannot be made says where', async () => {
    await writeFile(folder(), 'a file in the way');
    await expect(openAgentKey(folder())).rejects.toThrow(join(folder(), 'agent-key.pem'));
  });
});

describe('attestations', () => {
  test("are signed over the event, its footage and its place in the camera's chain", async () => {
    const attestor = await open();
    const [first, second] = [await attest(attestor, 1), await attest(attestor, 2)];
    expect([first, second].every(isSigned)).toBe(true);
    expect(isSigned({ ...second, attestedAtUs: 1 })).toBe(false);
    expect(isSigned({ ...second, link: { ...second.link, number: 1 } })).toBe(false);
    const { event } = readyOf(2);
    expect(second.link).toMatchObject({
      number: 2,
      previous: createHash('sha256').update(canonicalJson(first.link)).digest('hex'),
      event: createHash('sha256').update(canonicalJson(event)).digest('hex'),
      before: [first.link.eventId],
    });
    expect(first.link).not.toHaveProperty('previous');
    expect(second.segments).toEqual([
      { sha256: 'a'.repeat(64), sizeBytes: 9, startUs: START_US + 2 * SECOND_US, durationUs: 9 },
    ]);
  });

  test('of an event that is offered again have the same link, also after a restart, whatever else has changed', async () => {
    const first = await attest(await open(), 1);
    const attestor = await open();
    await attest(attestor, 2);
    const gaps = [{ fromUs: 1, toUs: 2, cause: 'damaged' as const }];
    const again = attestation.parse(await attestor.attest({ ...readyOf(1), segments: [], gaps }));
    expect(again.link).toEqual(first.link);
    expect(again).toMatchObject({ segments: [], gaps });
    expect(isSigned(again)).toBe(true);
  });

  test('of an event that comes again as another one have a link that states what it is then', async () => {
    const attestor = await open();
    const first = await attest(attestor, 1);
    const ready = readyOf(1);
    const other = attestation.parse(
      await attestor.attest({ ...ready, event: { ...ready.event, labels: ['cat'] } }),
    );
    expect(other.link).toMatchObject({
      number: 2,
      eventId: first.link.eventId,
      before: [first.link.eventId],
    });
    expect(other.link.event).not.toBe(first.link.event);
    expect((await attest(attestor, 1)).link).toEqual(first.link);
    await attestor.stored('yard', first.link.eventId, undefined);
    expect(attestor.stateOf('yard')).toMatchObject({ number: 2, waiting: [] });
  });

  test('of many events at once, by two processes on one folder, neither skip nor double a number', async () => {
    const [a, b] = [await open(), await open()];
    const seconds = Array.from({ length: 30 }, (_, n) => n);
    const made = await Promise.all(seconds.flatMap((n) => [attest(a, n), attest(b, n)]));
    const links = new Map(made.map(({ link }) => [link.number, link]));
    expect([...links.keys()].sort((x, y) => x - y)).toEqual(seconds.map((n) => n + 1));
    expect(new Set(made.map(({ link }) => linkSha256(link))).size).toBe(30);
    for (const [number, { previous }] of links) {
      const before = links.get(number - 1);
      expect(previous).toBe(before && linkSha256(before));
    }
  });

  test('of each camera are a chain of their own, and another key begins new ones', async () => {
    const attestor = await open();
    await attest(attestor, 1);
    expect((await attest(attestor, 1, 'gate')).link.number).toBe(1);
    await rm(join(data, 'evidence', 'agent-key.pem'));
    const other = await open();
    expect(other.publicKey).not.toBe(attestor.publicKey);
    expect((await attest(other, 2)).link.number).toBe(1);
  });

  test("name the receipts that were stored since the camera's last event, once, also after a restart", async () => {
    const attestor = await open();
    const { link } = await attest(attestor, 1);
    await attestor.stored('yard', link.eventId, 'c'.repeat(64));
    await attestor.stored('yard', link.eventId, 'c'.repeat(64));
    const later = await open();
    const second = await attest(later, 2);
    expect(second.link.sealed).toEqual([{ eventId: link.eventId, receipt: 'c'.repeat(64) }]);
    await later.stored('yard', link.eventId, 'c'.repeat(64));
    expect((await attest(later, 3)).link).not.toHaveProperty('sealed');
  });

  test('that are on their way show in the state of the chain until they are stored', async () => {
    const attestor = await open();
    const [first, second] = [await attest(attestor, 1), await attest(attestor, 2)];
    const sha256 = linkSha256(second.link);
    expect(attestor.stateOf('yard')).toEqual({ number: 2, sha256, waiting: [1, 2] });
    await attestor.stored('yard', first.link.eventId, undefined);
    expect(attestor.stateOf('yard')).toEqual({ number: 2, sha256, waiting: [2] });
    expect(attestor.stateOf('nowhere')).toBeUndefined();
  });
});

describe('a chain on the disk', () => {
  const linked = (n: number) => ({
    eventId: `yard-20260101t000000-${String(n).padStart(6, '0')}`,
    fromUs: n,
    toUs: n + 1,
  });
  const linkOf = async (chain: Chain, n: number) =>
    await chain.linkOf({ ...linked(n), event: 'e'.repeat(64) });
  const folder = () => join(data, 'chain');

  test('keeps the newest links alone, and goes on from there', async () => {
    const chain = await Chain.open(folder(), 'yard', log);
    for (let n = 1; n <= 3; n++) await linkOf(chain, n);
    // As if a thousand more had come.
    const third = await linkOf(chain, 3);
    for (let n = 4; n <= 1030; n++)
      await writeFile(join(folder(), `${n}.json`), canonicalJson({ ...third, ...linked(n), number: n }));
    const later = await Chain.open(folder(), 'yard', log);
    expect((await linkOf(later, 1031)).number).toBe(1031);
    expect((await readdir(folder())).length).toBe(1024);
    expect((await linkOf(later, 8)).number).toBe(8);
  });

  test('whose newest link is damaged keeps its number free, and says that it does not go on', async () => {
    const chain = await Chain.open(folder(), 'yard', log);
    await linkOf(chain, 1);
    await linkOf(chain, 2);
    await writeFile(join(folder(), '2.json'), '');
    const later = await Chain.open(folder(), 'yard', log);
    const link = await linkOf(later, 3);
    expect(link.number).toBe(3);
    expect(link).not.toHaveProperty('previous');
    expect(await readFile(join(folder(), '2.json'), 'utf8')).toBe('');
  });

  test('clears away what a crash has left unfinished', async () => {
    await linkOf(await Chain.open(folder(), 'yard', log), 1);
    await writeFile(join(folder(), '.incoming-of-a-crash'), '{"num');
    const later = await Chain.open(folder(), 'yard', log);
    expect((await linkOf(later, 2)).number).toBe(2);
    expect((await readdir(folder())).sort()).toEqual(['1.json', '2.json']);
  });
});

test('footage goes first: an event whose link cannot be written is offered without one after some tries', async () => {
  const attestor = await open();
  // Where the chain's folder should be, there is a file: as bad as a disk that is read-only, also for root.
  const digest = createHash('sha256').update(attestor.publicKey).digest('hex').slice(0, 16);
  await writeFile(join(data, 'evidence', `chains-${digest}`), '');
  for (let attempt = 0; attempt < 3; attempt++)
    await expect(attestor.attest(readyOf(1))).rejects.toMatchObject({ code: 'chain-failed' });
  expect(await attestor.attest(readyOf(1))).toBeUndefined();
  await rm(join(data, 'evidence', `chains-${digest}`));
  expect((await attest(attestor, 1)).link.number).toBe(1);
});

test('what failed before an event was stored counts no more', async () => {
  const attestor = await open();
  const digest = createHash('sha256').update(attestor.publicKey).digest('hex').slice(0, 16);
  await writeFile(join(data, 'evidence', `chains-${digest}`), '');
  const tries = async (): Promise<void> => {
    for (let attempt = 0; attempt < 3; attempt++)
      await expect(attestor.attest(readyOf(1))).rejects.toMatchObject({ code: 'chain-failed' });
  };
  await tries();
  await attestor.stored('yard', readyOf(1).eventId, undefined);
  await tries();
});
