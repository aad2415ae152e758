import { ChangeMeter } from './change.ts';

/** What the gate looks at of a frame. Frames without a thumbnail always pass. */
export interface GatedFrame {
  capturedAtUs: number;
  thumbnail?: Uint8Array | undefined;
}

export interface GateSettings {
  /** Frames a second that pass while something happens but the picture stays as it is. */
  idleFps: number;
}

/** Something happened this long ago at the most: frames pass, if only at the idle rate. */
const ACTIVE_US = 3_000_000;
/** Frames from just before a change pass with it. */
const LEAD_US = 1_000_000;
/** A picture that stays as it is passes this often: for those who look again at what stands there, for two minutes ... */
const LOOK_AGAIN_US = 5_000_000;
const LOOK_AGAIN_FOR_US = 120_000_000;
/** ... and then this often, so that everyone behind knows the camera and its light. Below the silence that means `lost`. */
const KEEP_ALIVE_US = 7_500_000;
/** A camera's first frames all pass: models of the background learn from them. */
const BEGIN_US = 3_000_000;

/**
 * Decides which of a camera's frames are worth sending: those that show something new, with the moment before; while
 * something happens, the others at the idle rate; else one now and then. Pure, on frame time: the same frames pass
 * whenever they are looked at. The rates are upper bounds, never a promise of work to come.
 */
export class FrameGate<Frame extends GatedFrame> {
  readonly #settings: GateSettings;
  readonly #meter = new ChangeMeter();
  #held: Frame[] = [];
  #begunUs: number | undefined;
  #seenUs = Number.NEGATIVE_INFINITY;
  #passed: { atUs: number; thumbnail: Uint8Array | undefined } | undefined;
  #changedUs = Number.NEGATIVE_INFINITY;
  #eventOpen = false;

  constructor(settings: GateSettings) {
    this.#settings = settings;
  }

  /** The functions say whether an event is open: then something happens, whatever the thumbnails tell. */
  set eventOpen(open: boolean) {
    this.#eventOpen = open;
  }

  /** Whether something happens at this time. */
  activeAt(atUs: number): boolean {
    const begins = this.#begunUs === undefined || atUs - this.#begunUs <= BEGIN_US;
    return begins || this.#eventOpen || atUs - this.#changedUs <= ACTIVE_US;
  }

  /** The newest frame offered. */
  get seenUs(): number {
    return this.#seenUs;
  }

  /** Whether a frame shows something new, without taking it. */
  showsChange({ thumbnail }: Pick<GatedFrame, 'thumbnail'>): boolean {
    const reference = this.#passed?.thumbnail;
    if (thumbnail === undefined || reference === undefined) return true;
    // Whoever an event is about makes their place restless.
    return this.#meter.change(thumbnail, reference, this.#eventOpen) > 0;
  }

  /** The frames that pass now that this one has come, in order; older ones than were offered before are left out. */
  offer(frame: Frame): Frame[] {
    const at = frame.capturedAtUs;
    if (at <= this.#seenUs) return [];
    this.#seenUs = at;
    this.#begunUs ??= at;
    // Without a frame before it nothing has changed.
    const changed = this.#passed !== undefined && this.showsChange(frame);
    if (frame.thumbnail !== undefined && !this.#eventOpen) this.#meter.learn(frame.thumbnail);
    if (changed) {
      this.#changedUs = at;
      return this.#pass(frame, true);
    }
    const sinceUs = at - (this.#passed?.atUs ?? Number.NEGATIVE_INFINITY);
    const begins = at - this.#begunUs <= BEGIN_US;
    if (begins || sinceUs >= this.#intervalUs(at)) return this.#pass(frame, false);
    this.#held.push(frame);
    this.#held = this.#held.filter(({ capturedAtUs }) => at - capturedAtUs <= LEAD_US);
    return [];
  }

  #intervalUs(atUs: number): number {
    // A tenth less: pictures come a little early or late.
    if (this.activeAt(atUs)) return 900_000 / this.#settings.idleFps;
    return atUs - this.#changedUs <= LOOK_AGAIN_FOR_US ? LOOK_AGAIN_US : KEEP_ALIVE_US;
  }

  #pass(frame: Frame, withLead: boolean): Frame[] {
    const lead = withLead
      ? this.#held.filter((held) => frame.capturedAtUs - held.capturedAtUs <= LEAD_US)
      : [];
    this.#held = [];
    this.#passed = { atUs: frame.capturedAtUs, thumbnail: frame.thumbnail };
    return [...lead, frame];
  }
}
