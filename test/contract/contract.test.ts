import { execFile } from 'node:child_process';
import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { createLogger } from '@faascam/core/log';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { freePort } from '@faascam/core/ports';
import { startGateway, type Gateway } from '@faascam/local/gateway/gateway';
import { newToken } from '@faascam/viewer/auth/token';
import { usersText } from '@faascam/viewer/auth/users-file';
import { checkout } from '../faults/checkout.ts';
import { Part } from '../faults/part.ts';
import { runFaascam } from '../program.ts';

const scratch = mkdtempSync(join(tmpdir(), 'faascam-contract-test-'));
const clips = join(scratch, 'clips');
const password = join(scratch, 'secrets/basic-auth-password');
const usersFile = join(scratch, 'viewer-users.yml');
const pageToken = join(scratch, 'page-token');
let nats: Part;
let natsUrl: string;
let gateway: Gateway;
let connector: Part;
let messaging: Messaging;

/** The key of one of NATS's users. */
const keyOf = (user: string): string => join(scratch, 'nats/secrets', `nats-${user}`);

/** NATS as on a cluster: each part has a key of its own, and no more rights than it needs. */
async function startNats(): Promise<void> {
  const { code, stderr } = await runFaascam(['nats-auth', join(scratch, 'nats'), '--agent', 'pi:yard']);
  expect(code, stderr).toBe(0);
  const port = await freePort();
  natsUrl = `nats://127.0.0.1:${port}`;
  const config = `host: 127.0.0.1\nport: ${port}\njetstream { store_dir: "${scratch}" }\ninclude "auth.conf"\n`;
  writeFileSync(join(scratch, 'nats/nats.conf'), config);
  nats = new Part({
    name: 'nats-server',
    command: ['nats-server', '--config', join(scratch, 'nats/nats.conf')],
    log: join(scratch, 'nats.log'),
  });
  await nats.said(/Server is ready/);
}

/** The functions of stack.yml, each with its own key. */
function stackWithKeys(): string {
  const stack = z
    .looseObject({
      functions: z.record(z.string(), z.looseObject({ handler: z.string(), environment: z.looseObject({}) })),
    })
    .parse(parse(readFileSync(join(checkout, 'stack.yml'), 'utf8')));
  const functions = Object.entries(stack.functions).map(([name, { handler, environment, ...rest }]) => {
    const withKey = { ...environment, NATS_NKEY_FILE: keyOf(name) };
    return [name, { ...rest, handler: join(checkout, handler), environment: withKey }] as const;
  });
  const path = join(scratch, 'stack-with-keys.yml');
  writeFileSync(path, stringify({ ...stack, functions: Object.fromEntries(functions) }));
  return path;
}

beforeAll(async () => {
  mkdirSync(join(scratch, 'secrets'));
  writeFileSync(join(scratch, 'secrets/basic-auth-user'), 'admin\n');
  writeFileSync(password, 'open sesame\n');
  const { text, stored } = newToken({ name: 'contract', scope: 'read' });
  writeFileSync(usersFile, usersText({ users: [], tokens: [stored] }));
  writeFileSync(pageToken, text);
  await startNats();
  messaging = await connectNats({ url: natsUrl, nkeyFile: keyOf('admin') }, 'test');
  gateway = await startGateway({
    stackPath: stackWithKeys(),
    variables: {
      ...{ ...process.env, NATS_URL: natsUrl, FAASCAM_DATA: scratch },
      FAASCAM_STORE: JSON.stringify({ kind: 'directory', path: clips }),
      FAASCAM_LOGIN: JSON.stringify({ usersFile }),
    },
    port: 0,
    basicAuth: { user: 'admin', password: 'open sesame' },
    log: createLogger('gateway'),
  });
  connector = new Part({
    name: 'connector',
    command: [process.execPath, join(checkout, 'connector/dist/main.js')],
    env: {
      ...{ NATS_URL: natsUrl, NATS_NKEY_FILE: keyOf('connector'), gateway_url: gateway.url },
      ...{ basic_auth: 'true', secret_mount_path: join(scratch, 'secrets') },
    },
    log: join(scratch, 'connector.log'),
  });
  await connector.said(/every topic has its consumer/);
  await gateway.ready();
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
      {
        env: {
          ...process.env,
          FAASCAM_GATEWAY: gateway.url,
          FAASCAM_NATS: natsUrl,
          NATS_NKEY_FILE: keyOf('admin'),
          ...env,
        },
      },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, output: `${stdout}${stderr}` }),
    );
  });
}

const login = {
  FAASCAM_GATEWAY_USER: 'admin',
  FAASCAM_GATEWAY_PASSWORD_FILE: password,
  FAASCAM_PAGE_TOKEN_FILE: pageToken,
};

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
