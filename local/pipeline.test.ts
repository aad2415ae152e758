import { expect, it } from 'vitest';
import { natsSettings } from '@faascam/core/nats-access';
import { replicaName } from './pipeline.ts';

it('the connector has a fixed name only on a NATS server of its own, where no other can have the same', () => {
  const nats = natsSettings.parse({});
  expect(replicaName({ nats })).toEqual({ REPLICA_NAME: 'local' });
  expect(replicaName({ nats: { ...nats, url: 'nats://site' } })).toEqual({});
});
