import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { notifySettings, type WebhookTarget } from '@faascam/core/notify-settings';
import { makeCertificate, type Certificate } from '@faascam/test-servers/certificates';
import { noticeOf } from './testing/notices.ts';
import { startReceiver, type Receiver } from './testing/receiver.ts';
import { sendWebhook } from './webhook.ts';

const folder = mkdtempSync(join(tmpdir(), 'faascam-webhook-'));
const secret = `whsec_${Buffer.from('a secret of thirty-two bytes ...').toString('base64')}`;
const secretFile = join(folder, 'secret');
let certificate: Certificate;
let plain: Receiver;
let tls: Receiver;

beforeAll(async () => {
  writeFileSync(secretFile, `${secret}\n`);
  certificate = await makeCertificate(folder);
  plain = await startReceiver();
  tls = await startReceiver(certificate);
});
afterAll(async () => {
  await plain.stop();
  await tls.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  plain.received.length = 0;
  plain.next.length = 0;
});

function targetOf(more: object = {}): WebhookTarget {
  const { targets } = notifySettings.parse({
    targets: { house: { kind: 'webhook', url: `${plain.url}/hook?for=us`, secretFile, ...more } },
  });
  const { house } = targets;
  if (house?.kind !== 'webhook') throw new Error('it is a webhook');
  return house;
}

const nowUs = (): number => Date.now() * 1000;
const send = (more: object = {}, notice = noticeOf()) => sendWebhook(targetOf(more), notice, {}, nowUs());

describe('a webhook', () => {
  it('is posted with a signature that the Standard Webhooks library accepts, and no other', async () => {
    const notice = noticeOf();
    const picture = Buffer.from('a picture');
    expect(await sendWebhook(targetOf(), notice, { picture }, nowUs())).toMatchObject({ kind: 'delivered' });
    const [call] = plain.received;
    if (call === undefined) throw new Error('nothing was received');
    expect(call.path).toBe('/hook?for=us');
    const headers = Object.fromEntries(
      Object.entries(call.headers).map(([name, value]) => [name, String(value)]),
    );
    expect(new Webhook(secret).verify(call.body, headers)).toMatchObject({
      type: 'event.began',
      data: {
        ...{ id: notice.id, rule: 'door', title: 'person at yard', text: 'at the gate' },
        event: { camera: 'yard', labels: ['person'], zones: ['gate'], score: 0.9 },
        picture: { contentType: 'image/jpeg', base64: picture.toString('base64') },
      },
    });
    const other = `whsec_${Buffer.from('another secret').toString('base64')}`;
    expect(() => new Webhook(other).verify(call.body, headers)).toThrow(/signature/i);
    expect(() => new Webhook(secret).verify(`${call.body.toString()} `, headers)).toThrow(/signature/i);
    const later = { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) };
    expect(() => new Webhook(secret).verify(call.body, later)).toThrow(/signature/i);
  });

  it('keeps its id over all tries, so that whoever gets it twice can tell', async () => {
    const notice = noticeOf();
    plain.next.push({ status: 500 });
    await send({}, notice);
    await send({}, notice);
    expect(plain.received.map(({ headers }) => headers['webhook-id'])).toEqual([notice.id, notice.id]);
  });

  it('is signed with both secrets of a file while one is being changed', async () => {
    const both = join(folder, 'both');
    const next = `whsec_${Buffer.from('the secret of tomorrow').toString('base64')}`;
    writeFileSync(both, `${next}\n${secret}\n`);
    await send({ secretFile: both });
    const [call] = plain.received;
    const headers = Object.fromEntries(
      Object.entries(call?.headers ?? {}).map(([name, value]) => [name, String(value)]),
    );
    for (const each of [secret, next]) new Webhook(each).verify(call?.body ?? '', headers);
  });

  it('brings further headers out of a file, which cannot change its own', async () => {
    const headersFile = join(folder, 'headers');
    writeFileSync(headersFile, 'Authorization: Bearer t0ken\nWebhook-Id: forged\n');
    await send({ headersFile });
    expect(plain.received[0]?.headers['authorization']).toBe('Bearer t0ken');
    expect(plain.received[0]?.headers['webhook-id']).not.toBe('forged');
    writeFileSync(headersFile, 'Authorization Bearer t0ken\n');
    await expect(send({ headersFile })).rejects.toThrow(/^Line 1 of \S+ is no header: write Name: value\.$/);
  });

  it.each([
    [500, 'later'],
    [503, 'later'],
    [429, 'later'],
    [408, 'later'],
    [400, 'refused'],
    [401, 'refused'],
    [404, 'refused'],
    [410, 'refused'],
    [302, 'refused'],
  ])('that is answered with %s is %s', async (status, kind) => {
    plain.next.push({ status, headers: { location: `${plain.url}/elsewhere` }, body: 'because\nof this' });
    const delivery = await send();
    expect(delivery).toMatchObject({ kind, reason: expect.stringContaining(`status ${status}`) as string });
    // Redirects are not followed.
    expect(plain.received).toHaveLength(1);
  });

  it('waits as long as it is asked to', async () => {
    plain.next.push({ status: 429, headers: { 'retry-after': '30' } });
    expect(await send()).toMatchObject({ kind: 'later', waitMs: 30_000 });
  });

  it('that nobody answers in time, or whose server is away, is tried again', async () => {
    plain.next.push('hang');
    expect(await send({ timeoutMs: 200 })).toEqual({ kind: 'later', reason: 'no answer within 200 ms' });
    expect(await send({ url: 'http://127.0.0.1:9/' })).toMatchObject({ kind: 'later' });
  });

  it('that has taken it has it, also where the rest of its answer never comes', async () => {
    plain.next.push({ status: 200, body: 'we have', endless: true });
    expect(await send({ timeoutMs: 500 })).toEqual({ kind: 'delivered', said: 'status 200' });
    plain.next.push({ status: 400, body: 'we want', endless: true });
    expect(await send({ timeoutMs: 500 })).toEqual({ kind: 'refused', reason: 'status 400' });
  });

  it('goes over TLS to a server of an own authority, and to no server of an unknown one', async () => {
    const { caFile } = certificate;
    expect(await send({ url: tls.url, caFile })).toMatchObject({ kind: 'delivered' });
    expect(await send({ url: tls.url })).toMatchObject({
      kind: 'later',
      reason: expect.stringMatching(/certificate|self-signed/) as string,
    });
  });

  it('goes to no address that gives a machine’s keys away', async () => {
    const refused = { kind: 'refused', reason: expect.stringMatching(/link-local/) as string };
    expect(await send({ url: 'http://169.254.169.254/latest', privateAddresses: true })).toMatchObject(
      refused,
    );
  });

  it('tells of a file that is missing, and never of what is in one', async () => {
    await expect(send({ secretFile: join(folder, 'nowhere') })).rejects.toThrow(/nowhere.*create it/);
    plain.next.push({ status: 400 });
    expect(JSON.stringify(await send())).not.toContain(secret);
  });
});
