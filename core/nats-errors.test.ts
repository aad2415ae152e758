import { PermissionViolationError } from '@nats-io/transport-node';
import { expect, it } from 'vitest';
import { violationSentence } from './nats-errors.ts';

const refused = (subject: string) => new PermissionViolationError('denied', 'publish', subject);

it('whoever misses a stream that the connector makes is told of the connector, not of a wrong key', () => {
  const create = refused('$JS.API.STREAM.CREATE.FRAMES');
  const said = violationSentence(create, { url: 'nats://site', identity: 'agent-pi' });
  expect(said).toMatch(/no stream FRAMES yet.*agent-pi.*the connector makes/);
  expect(said).not.toMatch(/key/);
  expect(violationSentence(create, { url: 'nats://site', identity: 'connector' })).toMatch(/nats-auth/);
  expect(violationSentence(refused('frames.door'), { url: 'nats://site', identity: 'agent-pi' })).toMatch(
    /publish on frames\.door.*nats-auth/,
  );
});
