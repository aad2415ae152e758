import { expect, test } from 'vitest';
import { parseConfig } from '@faascam/core/config';
import { natsReaderOf } from './nats-address.ts';

const config = parseConfig(
  'nats: { url: "nats://hub:4222", nkeyFile: /agent/key, caFile: /agent/ca.pem }\ncameras: { yard: { source: "demo:" } }',
  'faascam.yml',
  {},
);

test('a key in the environment counts before that of the config, which on an agent’s host is the agent’s', async () => {
  expect(await natsReaderOf(config, { NATS_NKEY_FILE: '/reader/key' })).toMatchObject({
    url: 'nats://hub:4222',
    identity: 'reader',
    nkeyFile: '/reader/key',
    caFile: '/agent/ca.pem',
  });
});

test('the config’s server is asked whatever address is in the environment, and with its key where there is none', async () => {
  expect(await natsReaderOf(config, { NATS_URL: 'nats://elsewhere:4222' })).toMatchObject({
    url: 'nats://hub:4222',
    nkeyFile: '/agent/key',
  });
});
