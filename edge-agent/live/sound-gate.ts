import type { LivePacket } from './live-stream.ts';

/** A camera that has sound sends it several times a second. */
const PATIENCE_US = 1_500_000;

/**
 * Finds out whether a stream that says it has sound does send it: players wait without end for a track to which nothing
 * comes. Until that is known, packets are kept back. Sound that comes after it was found to be none is left out: what the
 * players were told has no track for it.
 */
export class SoundGate {
  #held: LivePacket[] = [];
  #hasSound: boolean | undefined;

  /** `mayHaveSound`: whether the stream has a track of it, and it is wanted. */
  constructor(mayHaveSound: boolean) {
    this.#hasSound = mayHaveSound ? undefined : false;
  }

  /** Undefined while it is not known. */
  get hasSound(): boolean | undefined {
    return this.#hasSound;
  }

  /** Answers what can go on its way. */
  push(packet: LivePacket): LivePacket[] {
    if (this.#hasSound === false && packet.kind === 'audio') return [];
    if (this.#hasSound !== undefined) return [packet];
    this.#held.push(packet);
    const waitedUs = packet.streamUs - (this.#held[0]?.streamUs ?? packet.streamUs);
    if (packet.kind === 'audio') this.#hasSound = true;
    else if (waitedUs > PATIENCE_US) this.#hasSound = false;
    else return [];
    return this.#held.splice(0);
  }
}
