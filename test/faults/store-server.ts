import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startS3Server, type S3Server } from '@faascam/test-servers/s3';
import { usageBelow } from '../bench/processes.ts';
import { Part } from './part.ts';
import { startStoreRelay, type StoreRelay } from './store-relay.ts';

/** The clip store: a folder, or radosgw behind a relay that can spoil things. */
export class StoreServer {
  /** Settings for the functions, and for whoever looks at what is really there. */
  readonly given: object;
  readonly direct: object;
  readonly relay: StoreRelay | undefined;
  readonly #server: S3Server | undefined;
  readonly #scratch: string;
  #restarted: Part | undefined;

  private constructor(
    scratch: string,
    settings: { given: object; direct: object },
    server?: S3Server,
    storeRelay?: StoreRelay,
  ) {
    this.#scratch = scratch;
    this.given = settings.given;
    this.direct = settings.direct;
    this.#server = server;
    this.relay = storeRelay;
  }

  static async start(scratch: string, store: 's3' | 'directory'): Promise<StoreServer> {
    if (store === 'directory') {
      const settings = { kind: 'directory', path: join(scratch, 'clips', 'store') };
      return new StoreServer(scratch, { given: settings, direct: settings });
    }
    const server = await startS3Server();
    const storeRelay = await startStoreRelay(server.port);
    const keys = { accessKeyFile: join(scratch, 'access'), secretKeyFile: join(scratch, 'secret') };
    writeFileSync(keys.accessKeyFile, server.accessKey);
    writeFileSync(keys.secretKeyFile, server.secretKey);
    const bucket = { kind: 's3', bucket: 'clips', createBucket: true, ...keys };
    return new StoreServer(
      scratch,
      {
        given: { ...bucket, endpoint: storeRelay.endpoint },
        direct: { ...bucket, endpoint: server.endpoint },
      },
      server,
      storeRelay,
    );
  }

  /** Of the S3 server; 0 when it does not run. */
  get pid(): number {
    if (this.#restarted !== undefined) return this.#restarted.pid;
    return usageBelow(process.pid).find(({ name }) => name === 'radosgw')?.pid ?? 0;
  }

  /** Ends the S3 server by this signal; it comes again a second later, with all that it had. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    if (this.#restarted === undefined) {
      const { pid } = this;
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        .split('\0')
        .filter((word) => word !== '');
      const [, configuration = ''] =
        /CEPH_CONF=([^\0]*)/.exec(readFileSync(`/proc/${pid}/environ`, 'utf8')) ?? [];
      process.kill(pid, signal);
      while (this.pid === pid) await wait(50);
      this.#restarted = new Part({
        name: 'store',
        command,
        env: { CEPH_CONF: configuration },
        log: join(this.#scratch, 'logs', 'store.log'),
      });
    } else {
      this.#restarted.signal(signal);
    }
  }

  async close(): Promise<void> {
    await this.#restarted?.stop();
    await this.relay?.close();
    await this.#server?.stop();
  }
}
