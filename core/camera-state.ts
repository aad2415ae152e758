import { Kvm, type KV, type KvEntry } from '@nats-io/kv';
import { FaascamError } from './errors.ts';
import type { FunctionMessaging } from './function-messaging.ts';
import { isOutdated, orAbsent } from './nats-answers.ts';

/** A camera's state and the revision at which it was read. */
interface Held {
  state: Uint8Array | undefined;
  revision: number;
}

const ATTEMPTS = 8;

/**
 * Per-camera state that any replica of a function may change: in a KV bucket, written by compare-and-set.
 * A warm copy saves the read as long as the same replica gets the camera's next frame. The bucket is made if it is
 * not there, and again after a failure: one kept in memory is gone after a restart of the NATS server.
 */
export class CameraStates {
  private readonly warm = new Map<string, Held>();
  private opening: Promise<KV> | undefined;

  constructor(
    private readonly messaging: FunctionMessaging,
    private readonly bucket: string,
    private readonly storage: 'memory' | 'file',
  ) {}

  /** Resolves once the bucket is there. */
  async ready(): Promise<void> {
    await this.open();
  }

  /**
   * Applies `change` to the camera's state (undefined for none yet) and stores what it answers; `change` runs
   * again with the newer state when another replica was faster, so it must be pure. Answers its `result`.
   * A change that answers no `state` stores nothing.
   */
  async update<T>(
    camera: string,
    change: (state: Uint8Array | undefined) => { state?: Uint8Array; result: T },
  ): Promise<T> {
    const kv = await this.open();
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const held = this.warm.get(camera) ?? (await this.read(kv, camera));
      const { state, result } = change(held.state);
      if (state === undefined) {
        this.warm.set(camera, held);
        return result;
      }
      try {
        const revision = await kv.put(camera, state, { previousSeq: held.revision });
        this.warm.set(camera, { state, revision });
        return result;
      } catch (error) {
        this.warm.delete(camera);
        if (isOutdated(error)) continue;
        this.forget();
        throw error;
      }
    }
    throw new FaascamError(
      'state-contended',
      `The state of camera ${camera} was changed by other replicas ${ATTEMPTS} times in a row; the frame is tried again.`,
    );
  }

  /** Cameras, or what else was named so, that have a state. */
  async keys(): Promise<string[]> {
    const { jsm } = await this.messaging.get();
    const prefix = `$KV.${this.bucket}.`;
    const info = await orAbsent(jsm.streams.info(`KV_${this.bucket}`, { subjects_filter: `${prefix}*` }));
    return Object.keys(info?.state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
  }

  /** Takes a state out; nothing is left of it. Needs the right to purge the bucket. */
  async remove(camera: string): Promise<void> {
    this.warm.delete(camera);
    const { jsm } = await this.messaging.get();
    await orAbsent(jsm.streams.purge(`KV_${this.bucket}`, { filter: `$KV.${this.bucket}.${camera}` }));
  }

  private async read(kv: KV, camera: string): Promise<Held> {
    let entry: KvEntry | null;
    try {
      entry = await kv.get(camera);
    } catch (error) {
      this.forget();
      throw error;
    }
    if (entry === null) return { state: undefined, revision: 0 };
    return { state: entry.operation === 'PUT' ? entry.value : undefined, revision: entry.revision };
  }

  private open(): Promise<KV> {
    this.opening ??= this.messaging
      .get()
      .then(({ js }) => new Kvm(js).create(this.bucket, { history: 1, storage: this.storage }))
      .catch((error: unknown) => {
        this.forget();
        throw error;
      });
    return this.opening;
  }

  private forget(): void {
    this.opening = undefined;
    this.warm.clear();
  }
}
