import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { openAgentKey, type AgentKey } from '@faascam/core/agent-key';
import { signedBytes, type Attestation, type Statement } from '@faascam/core/attestation';
import { canonicalSha256 } from '@faascam/core/canonical-json';
import type { ClipReady } from '@faascam/core/clip-messages';
import { systemClock, type Clock } from '@faascam/core/clock';
import { FaascamError, messageOf, systemCodeOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { Chain, type ChainState } from './chain.ts';

export type { ChainState };

export interface AttestorOptions {
  /** The key and the chains go to `evidence` below it. */
  dataDirectory: string;
  /** The agent's id. */
  agent: string;
  clock?: Clock;
  log: Logger;
}

/** An event whose link could not be written so often is offered without one: footage goes first. */
const MOST_FAILURES = 4;

/**
 * Signs for the agent what it offers: an event, the digests of its footage, and its place in the camera's chain. Chains
 * belong to the key: with another key each camera's chain begins anew.
 */
export class Attestor {
  readonly #options: AttestorOptions;
  readonly #key: AgentKey;
  readonly #directory: string;
  readonly #chains = new Map<string, { opened: Promise<Chain>; chain?: Chain }>();
  /** How often an event's link could not be written, until it could, or the event is stored. */
  readonly #failures = new Map<string, number>();

  private constructor(options: AttestorOptions, key: AgentKey) {
    this.#options = options;
    this.#key = key;
    const digest = createHash('sha256').update(key.publicKey).digest('hex');
    this.#directory = join(options.dataDirectory, 'evidence', `chains-${digest.slice(0, 16)}`);
  }

  /** Reads the agent's key, or makes it at the first start. Throws as `openAgentKey` does. */
  static async open(options: AttestorOptions): Promise<Attestor> {
    const key = await openAgentKey(join(options.dataDirectory, 'evidence'));
    if (key.isNew) options.log.info(`The agent ${options.agent} has a new key, ${key.publicKey}.`);
    return new Attestor(options, key);
  }

  get publicKey(): string {
    return this.#key.publicKey;
  }

  /** A camera's chain as it is now; undefined while it is empty, or not read yet. */
  stateOf(camera: string): ChainState | undefined {
    const known = this.#chains.get(camera);
    if (known === undefined) void this.#chainOf(camera).catch(() => undefined);
    return known?.chain?.state;
  }

  /**
   * The agent's word for what it offers. The same event has the same link each time; all else is signed anew, because its
   * footage may have changed. Throws `FaascamError` `chain-failed` when the link cannot be kept; after some tries the
   * answer is undefined instead, and the log says so.
   */
  async attest(ready: Omit<ClipReady, 'attestation'>): Promise<Attestation | undefined> {
    const { camera, eventId, fromUs, toUs, segments, gaps } = ready;
    const event = canonicalSha256(ready.event);
    const link = await this.#tried(eventId, async () =>
      (await this.#chainOf(camera)).linkOf({ eventId, fromUs, toUs, event }),
    );
    if (link === undefined) return undefined;
    const statement: Statement = {
      ...{ v: 1, agent: this.#options.agent, publicKey: this.publicKey, link },
      segments: segments.map(({ sha256, sizeBytes, startUs, durationUs }) => ({
        ...{ sha256, sizeBytes, startUs, durationUs },
      })),
      gaps,
      attestedAtUs: (this.#options.clock ?? systemClock).nowUs(),
    };
    return { ...statement, signature: this.#key.sign(signedBytes(statement)) };
  }

  /** Notes that the event is stored, with a receipt of this digest, which the camera's next link names. Never rejects. */
  async stored(camera: string, eventId: string, receipt: string | undefined): Promise<void> {
    this.#failures.delete(eventId);
    try {
      await (await this.#chainOf(camera)).stored(eventId, receipt);
    } catch (error) {
      this.#options.log.warn(
        { camera, event: eventId },
        `That the event is stored could not be noted (${messageOf(error)}): its receipt will not be signed.`,
      );
    }
  }

  async #tried<T>(eventId: string, action: () => Promise<T>): Promise<T | undefined> {
    try {
      const done = await action();
      this.#failures.delete(eventId);
      return done;
    } catch (cause) {
      const why = systemCodeOf(cause) ?? messageOf(cause);
      const message = `The event's place in the chain of ${this.#directory} cannot be kept (${why}): check the disk.`;
      const failures = (this.#failures.get(eventId) ?? 0) + 1;
      if (failures < MOST_FAILURES) {
        this.#failures.set(eventId, failures);
        throw new FaascamError('chain-failed', message, { cause });
      }
      this.#failures.delete(eventId);
      this.#options.log.error(
        { event: eventId },
        `${message} The event goes to the store without a signature.`,
      );
      return undefined;
    }
  }

  async #chainOf(camera: string): Promise<Chain> {
    const known = this.#chains.get(camera);
    if (known !== undefined) return await known.opened;
    const opened = Chain.open(join(this.#directory, camera), camera, this.#options.log);
    const entry: { opened: Promise<Chain>; chain?: Chain } = { opened };
    this.#chains.set(camera, entry);
    try {
      entry.chain = await opened;
      return entry.chain;
    } catch (error) {
      // The disk may be mended: the next one tries again.
      this.#chains.delete(camera);
      throw error;
    }
  }
}
