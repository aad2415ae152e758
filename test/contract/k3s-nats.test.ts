import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Objm } from '@nats-io/obj';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { jetstreamManager, StorageType } from '@nats-io/jetstream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deadLetterStream } from '@faascam/connector/dead-letter';
import { ensureStreams, streamConfigs } from '@faascam/core/messaging';
import { freePort } from '@faascam/core/ports';
import { buckets } from '@faascam/core/subjects';
import { usualUplink } from '@faascam/edge-agent/clips/clip-uplink';
import { makeCertificate, type Certificate } from '@faascam/test-servers/certificates';
import { Part } from '../faults/part.ts';
import { k3s } from './manifests.ts';

const scratch = mkdtempSync(join(tmpdir(), 'faascam-k3s-nats-'));
let server: Part;
let certificate: Certificate;
let port: number;
let nc: NatsConnection | undefined;

beforeAll(async () => {
  certificate = await makeCertificate(scratch);
  port = await freePort();
  const monitor = await freePort();
  mkdirSync(join(scratch, 'auth'));
  writeFileSync(join(scratch, 'auth/auth.conf'), 'authorization { user: somebody, password: something }\n');
  const config = readFileSync(join(k3s, 'base/nats.conf'), 'utf8')
    .replace('port: 4222', `host: "127.0.0.1"\nport: ${port}`)
    .replace('0.0.0.0:8222', `127.0.0.1:${monitor}`)
    .replace('/data/jetstream', join(scratch, 'data'))
    .replace('/etc/faascam/tls/tls.crt', certificate.certificateFile)
    .replace('/etc/faascam/tls/tls.key', certificate.keyFile);
  writeFileSync(join(scratch, 'nats.conf'), config);
  server = new Part({
    name: 'nats-server',
    command: ['nats-server', '--config', join(scratch, 'nats.conf')],
    log: join(scratch, 'nats.log'),
  });
  await server.said(/Server is ready/);
});

afterAll(async () => {
  await nc?.close();
  await server.stop();
  rmSync(scratch, { recursive: true });
});

it('the configuration of NATS for k3s has room for every stream, and lets nobody in without TLS and a login', async () => {
  const servers = `127.0.0.1:${port}`;
  const login = { user: 'somebody', pass: 'something' };
  const tls = { caFile: certificate.caFile };
  await expect(connect({ servers, tls, reconnect: false })).rejects.toThrow(/authorization/i);
  await expect(connect({ servers, tls: null, ...login, reconnect: false })).rejects.toThrow();

  nc = await connect({ servers, tls, ...login, reconnect: false });
  const jsm = await jetstreamManager(nc);
  await ensureStreams(jsm, undefined, [...streamConfigs, deadLetterStream]);
  const max_bytes = usualUplink.storeMegabytes * 1024 * 1024;
  await new Objm(nc).create(buckets.segments, { storage: StorageType.File, max_bytes });
  const names: string[] = [];
  for await (const { config } of jsm.streams.list()) names.push(config.name);
  expect(names.sort()).toEqual(
    [...streamConfigs.map(({ name }) => name), 'DEADLETTER', `OBJ_${buckets.segments}`].sort(),
  );
});
