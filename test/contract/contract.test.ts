import { execFile } from 'node:child_process';
import { mkdtempSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '@faascam/core/log';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { startGateway, type Gateway } from '@faascam/local/gateway/gateway';
import { checkout } from '../faults/checkout.ts';
import { Part } from '../faults/part.ts';

const scratch = mkdtempSync(join(tmpdir(), 'faascam-contract-test-'));
const clips = join(scratch, 'clips');
const password = join(scratch, 'secrets/basic-auth-password');
let nats: NatsServer;
let gateway: Gateway;
let connector: Part;
let messaging: Messaging;

beforeAll(async () => {
  mkdirSync(join(scratch, 'secrets'));
  writeFileSync(join(scratch, 'secrets/basic-auth-user'), 'admin\n');
  writeFileSync(password, 'open sesame\n');
  nats = await startNatsServer({ directory: join(scratch, 'nats') });
  messaging = await connectNats(nats.url, 'test');
  const store = JSON.stringify({ kind: 'directory', path: clips });
  gateway = await startGateway({
    stackPath: join(checkout, 'stack.yml'),
    variables: { ...process.env, NATS_URL: nats.url, FAASCAM_STORE: store, FAASCAM_DATA: scratch },
    port: 0,
    basicAuth: { user: 'admin', password: 'open sesame' },
    log: createLogger('gateway'),
  });
  await gateway.ready();
  connector = new Part({
    name: 'connector',
    command: [process.execPath, join(checkout, 'connector/dist/main.js')],
    env: {
      ...{ NATS_URL: nats.url, gateway_url: gateway.url, basic_auth: 'true' },
      secret_mount_path: join(scratch, 'secrets'),
    },
    log: join(scratch, 'connector.log'),
  });
  await connector.said(/every topic has its consumer/);
});

afterAll(async () => {
  await connector.stop();
  await gateway.stop();
  await messaging.nc.close();
  await nats.stop();
  rmSync(scratch, { recursive: true });
});

function contract(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const program = join(checkout, 'test/dist/contract/main.js');
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [program],
      { env: { ...process.env, FAASCAM_GATEWAY: gateway.url, FAASCAM_NATS: nats.url, ...env } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, output: `${stdout}${stderr}` }),
    );
  });
}

const login = { FAASCAM_GATEWAY_USER: 'admin', FAASCAM_GATEWAY_PASSWORD_FILE: password };

describe('script/test contract', () => {
  it('passes whole on the local gateway with a login, and leaves nothing behind', async () => {
    const store = JSON.stringify({ kind: 'directory', path: clips });
    const { code, output } = await contract({ ...login, FAASCAM_STORE: store });
    expect(output).toMatch(/^\d\d passed, 0 failed, 0 skipped$/m);
    expect(code).toBe(0);
    expect(output).not.toContain('open sesame');

    const left: string[] = [];
    for await (const { config } of messaging.jsm.streams.list()) {
      const { state } = await messaging.jsm.streams.info(config.name, { subjects_filter: '>' });
      left.push(...Object.keys(state.subjects ?? {}).filter((subject) => subject.includes('contract-')));
      for await (const { name } of messaging.jsm.consumers.list(config.name)) {
        if (name.includes('contract-')) left.push(name);
      }
    }
    expect(left).toEqual([]);
    const stored = readdirSync(clips, { recursive: true }).map(String);
    expect(stored.filter((name) => /contract-.*\./.test(name))).toEqual([]);
  });

  it('says which function is missing and what to do, and fails', async () => {
    const stackPath = join(scratch, 'stack.yml');
    writeFileSync(stackPath, 'version: 1.0\nprovider: { name: openfaas }\nfunctions: {}\n');
    const empty = await startGateway({ stackPath, variables: {}, port: 0, log: createLogger('gateway') });
    try {
      const { code, output } = await contract({ FAASCAM_GATEWAY: empty.url });
      expect(output).toContain('there is no function motion: faas-cli deploy -f stack.yml');
      expect(output).toMatch(/^\d passed, 1 failed, 2 skipped$/m);
      expect(code).toBe(1);
    } finally {
      await empty.stop();
    }
  });

  it('names a setting that is missing', async () => {
    const { code, output } = await contract({ FAASCAM_NATS: '' });
    expect(output).toContain('Environment variable FAASCAM_NATS');
    expect(code).toBe(2);
  });
});
