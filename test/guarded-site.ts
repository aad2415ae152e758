import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate, type Certificate } from '@faascam/test-servers/certificates';
import { startGuardedNats, type GuardedNats } from '@faascam/test-servers/guarded-nats';
import { runFaascam } from './program.ts';

/** A NATS server with TLS and the users that `faascam nats-auth` made: agent `pi` with camera `yard`, `other` with `door`. */
export interface GuardedSite {
  folder: string;
  certificate: Certificate;
  nats: GuardedNats;
  url: string;
  seedOf: (user: string) => string;
  wayOf: (user: string) => { url: string; nkeyFile: string; caFile: string; identity: string };
  close: () => Promise<void>;
}

/** Also with a stream of own functions, SENSORS. */
export async function openGuardedSite(): Promise<GuardedSite> {
  const folder = mkdtempSync(join(tmpdir(), 'faascam-rights-test-'));
  const agents = ['--agent', 'pi:yard', '--agent', 'other:door'];
  const made = await runFaascam(['nats-auth', folder, ...agents, '--stream', 'SENSORS']);
  if (made.code !== 0) throw new Error(`faascam nats-auth ended with ${made.code}: ${made.stderr}`);
  const certificate = await makeCertificate(folder);
  const nats = await startGuardedNats({ folder, certificate });
  const url = `tls://127.0.0.1:${nats.port}`;
  const seedOf = (user: string): string => join(folder, 'secrets', `nats-${user}`);
  return {
    ...{ folder, certificate, nats, url, seedOf },
    wayOf: (user) => ({ url, nkeyFile: seedOf(user), caFile: certificate.caFile, identity: user }),
    close: async () => {
      await nats.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
