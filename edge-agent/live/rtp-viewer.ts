import { h264Config, type H264Config } from './h264.ts';
import type { LivePacket, LiveStream, LiveTaker } from './live-stream.ts';
import { rtpPayloads } from './rtp-h264.ts';

/** So many packets go out at once, then so many each few milliseconds: no more than a wireless network swallows. */
const BURST = 48;
const BURST_EVERY_MS = 4;
/** Beyond this, what waits is given up, and the next keyframe begins anew. */
const MOST_WAITING = 4000;
const TICKS_A_MS = 90;

/** Viewers of one camera share what is made of a packet. */
const made = new WeakMap<LivePacket, Buffer[]>();

interface Waiting {
  payload: Buffer;
  ticks: number;
  marker: boolean;
}

/** Where a packet goes: `Werift` makes RTP of it. */
export type RtpSink = (packet: Waiting & { sequence: number }) => void;

/** Sends a camera's pictures as RTP, each as soon as it is there. */
export class RtpViewer implements LiveTaker {
  readonly #send: RtpSink;
  readonly #onForeign: () => void;
  #config: H264Config | undefined;
  /** The group that was there when the stream began, while it is handed over. */
  #group: LivePacket[] | undefined;
  #waiting: Waiting[] = [];
  #sequence = Math.floor(Math.random() * 0x8000);
  #timer: NodeJS.Timeout | undefined;

  /** `onForeign` is called when the stream goes on in another codec. */
  constructor(send: RtpSink, onForeign: () => void) {
    this.#send = send;
    this.#onForeign = onForeign;
  }

  begin(stream: LiveStream): void {
    this.#config = h264Config(stream.video.codecPrivate);
    if (this.#config === undefined) {
      this.#onForeign();
      return;
    }
    this.#group = [];
    queueMicrotask(() => {
      this.#sendGroup();
    });
  }

  packet(packet: LivePacket): void {
    if (packet.kind !== 'video') return;
    if (this.#group === undefined) this.#push(packet, packet.streamUs / 1000);
    else this.#group.push(packet);
  }

  end(): void {
    this.#waiting = [];
  }

  isBehind(): boolean {
    return this.#waiting.length > MOST_WAITING;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = [];
  }

  /** What is past is only there for decoding: shown in its own time, everything after it would be as late. */
  #sendGroup(): void {
    const group = this.#group ?? [];
    this.#group = undefined;
    const newestMs = (group.at(-1)?.streamUs ?? 0) / 1000;
    for (const [index, packet] of group.entries()) this.#push(packet, newestMs - (group.length - 1 - index));
  }

  #push(packet: LivePacket, ms: number): void {
    if (this.#config === undefined) return;
    const payloads = made.get(packet) ?? rtpPayloads(packet, this.#config);
    made.set(packet, payloads);
    const ticks = Math.round(ms * TICKS_A_MS) >>> 0;
    for (const [index, payload] of payloads.entries())
      this.#waiting.push({ payload, ticks, marker: index === payloads.length - 1 });
    if (this.#timer === undefined) this.#sendSome();
  }

  #sendSome(): void {
    this.#timer = undefined;
    for (const packet of this.#waiting.splice(0, BURST)) {
      this.#sequence = (this.#sequence + 1) & 0xffff;
      this.#send({ ...packet, sequence: this.#sequence });
    }
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#sendSome(), BURST_EVERY_MS);
  }
}
