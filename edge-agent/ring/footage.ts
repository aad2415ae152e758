import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, type Clock } from '@faascam/core/clock';
import type { Logger } from '@faascam/core/log';
import type { Gap } from '@faascam/core/messages';
import type { Pace } from '../sources/source-args.ts';
import { evenDates, type Dates } from '../timebase.ts';
import { OutageJournal, outagesBetween } from './outages.ts';
import { isDiskFull } from './disk-full.ts';
import type { Quota } from './eviction.ts';
import { recoverSegments } from './recovery.ts';
import { JOIN_US, Ring } from './ring.ts';
import type { Room } from './room.ts';
import type { Segment, SegmentTimes } from './segment.ts';

export interface FootageOptions {
  /** The footage's own directory; made if absent. */
  directory: string;
  ring: Quota;
  /** The disk that it shares with other cameras' footage. */
  room?: Room;
  /** `live`: capture times are about now. `replay`: they are whatever the recording's are. */
  pace: Pace;
  log: Logger;
  clock?: Clock;
  /** Tells the date where the host's clock may be set. Default: the clock's. */
  dates?: Dates;
}

/**
 * - `starting`: nothing was recorded since the agent started
 * - `recording`: more is to come
 * - `lost`: the camera went away and may come back
 * - `ended`: a recording was replayed to its end, which was at `toUs`
 * - `stopped`: the agent stops, what is missing is for its next start
 */
export type FootageState =
  | { kind: 'starting' }
  | { kind: 'recording' }
  | { kind: 'lost' }
  | { kind: 'ended'; toUs: number }
  | { kind: 'stopped' };

/** What is longer than this without footage is a gap: one and a half sampled frames at the usual 5 a second. */
export const HOLE_US = 300_000;

/** The last segment of a session, and what a slow disk holds back, may be this late. */
const LATE_US = 15_000_000;
/** A window ends no later than this after it is asked for: the longest post-roll. */
const LONGEST_AHEAD_US = 60_000_000;
/** What one look counts for of a wait: they come once a second. */
const LONGEST_STEP_US = 2_000_000;
const LOOK_FOR_ROOM_MS = 5000;
/** Recording begins with less than all of the reserve, but not so that it would end at once. */
const BEGIN_RESERVE_SHARE = 0.5;
const LONGEST_WAIT_FOR_KEYFRAME_US = 60_000_000;

/** A camera's footage: the ring of segments, why some is missing, and whether more is to come. */
export class Footage {
  readonly ring: Ring;
  readonly #options: FootageOptions;
  readonly #clock: Clock;
  /** What the date is, and in which epoch. */
  readonly dates: Dates;
  readonly #journal: OutageJournal;
  readonly #startedUs: number;
  readonly #startedIn: number;
  readonly #waiting = new Set<() => void>();
  #state: FootageState = { kind: 'starting' };
  #servesWhatIsThere = false;
  #pauses = false;
  #withoutRoom = false;
  /** Since when the disk had no room for what comes after the newest segment, and until when. */
  #full: { fromUs: number; toUs?: number; epoch: number } | undefined;

  private constructor(options: FootageOptions, ring: Ring, journal: OutageJournal) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#journal = journal;
    this.dates = options.dates ?? evenDates(this.#clock);
    this.#startedUs = this.dates.nowUs();
    this.#startedIn = this.dates.epoch;
    this.ring = ring;
  }

  /** Opens the footage with what lies in its directory, also after a crash. */
  static async open(options: FootageOptions): Promise<Footage> {
    const { directory, log } = options;
    const ring = await Ring.open({
      directory,
      quota: options.ring,
      log,
      clock: options.clock ?? systemClock,
      ...(options.room === undefined ? {} : { room: options.room }),
    });
    try {
      const journal = await OutageJournal.open(join(directory, 'outages.json'));
      const footage = new Footage(options, ring, journal);
      await recoverSegments({
        incoming: footage.#incoming,
        log,
        keep: (file, times) => footage.#keep(file, times),
      });
      return footage;
    } catch (error) {
      // In the room it would go on dropping files, and know nothing of what events hold from now on.
      ring.close();
      throw error;
    }
  }

  get state(): FootageState {
    return this.#state;
  }

  /** The footage's own directory. */
  get directory(): string {
    return this.#options.directory;
  }

  get pace(): Pace {
    return this.#options.pace;
  }

  /** Known outages and the one that lasts, by the dates of an epoch, the present one if none is given, in order of time. */
  outages(epoch = this.dates.epoch): Gap[] {
    const known = this.#journal.of(epoch);
    const newest = this.ring.newestOf(epoch);
    if (epoch < Math.max(this.dates.epoch, this.ring.newest?.epoch ?? 0)) {
      const fromUs = newest?.endUs ?? 0;
      return [...known, { fromUs, toUs: Number.MAX_SAFE_INTEGER, cause: 'clock-stepped' }];
    }
    if (this.#state.kind === 'ended') {
      return [
        ...known,
        { fromUs: this.#state.toUs, toUs: Number.MAX_SAFE_INTEGER, cause: 'end-of-recording' },
      ];
    }
    // Everything was dropped or deleted: the ring cannot tell where footage ended.
    if (newest === undefined && known.length > 0) return known;
    return [...known, ...this.#outagesUntil(Number.MAX_SAFE_INTEGER, epoch)];
  }

  /**
   * A new directory into which an ffmpeg may write its segments. Whatever stays there is looked at on the next start.
   * Undefined when the disk is full and nothing can be dropped any more: then there is no footage, but frames can go on.
   */
  async openSession(): Promise<string | undefined> {
    await this.ring.evict();
    this.#withoutRoom = !(await this.ring.hasRoom(BEGIN_RESERVE_SHARE));
    try {
      if (!this.#withoutRoom) {
        await mkdir(this.#incoming, { recursive: true });
        const session = await mkdtemp(join(this.#incoming, 'session-'));
        if (this.#full !== undefined) this.#full.toUs ??= this.dates.nowUs();
        return session;
      }
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.#withoutRoom = true;
    }
    this.#options.log.warn('The disk is full: there is no footage until somebody frees some space.');
    this.ranOutOfRoom();
    return undefined;
  }

  /** The disk is full: what is missing from now on, and what was being written, is missing for want of room. */
  ranOutOfRoom(): void {
    const { epoch } = this.dates;
    const recorded = this.#state.kind === 'recording' ? this.ring.newestOf(epoch)?.endUs : undefined;
    const since = this.#full?.epoch === epoch ? this.#full.fromUs : undefined;
    this.#full = { fromUs: since ?? recorded ?? this.dates.nowUs(), epoch };
  }

  /** Whether nothing is recorded because the disk is full. */
  get withoutRoom(): boolean {
    return this.#withoutRoom;
  }

  /** Resolves with true once a session that began without room could be recorded; with false when the signal is aborted. */
  async roomAgain(signal: AbortSignal): Promise<boolean> {
    const goesOn = (): boolean => !signal.aborted;
    while (goesOn()) {
      await this.#clock.sleep(LOOK_FOR_ROOM_MS, signal).catch(() => undefined);
      // A disk that cannot be asked right now is asked again.
      const there = this.#withoutRoom && (await this.ring.hasRoom(1).catch(() => false));
      if (goesOn() && there) return true;
    }
    return false;
  }

  /** Takes a closed segment in, of the present epoch if none is given. */
  async add(file: string, times: SegmentTimes): Promise<void> {
    const epoch = times.epoch ?? this.dates.epoch;
    await this.#explain({ ...times, epoch });
    this.#full = undefined;
    await this.#keep(file, { ...times, epoch });
    if (this.#state.kind === 'starting' || this.#state.kind === 'lost') this.#state = { kind: 'recording' };
    this.#wake();
  }

  /** Takes a segment out that cannot be read, and notes that it was there. One without a byte found the disk full. */
  async forget(segment: Segment): Promise<void> {
    const cause = segment.sizeBytes === 0 ? 'disk-full' : 'damaged';
    await this.#journal.add([{ fromUs: segment.startUs, toUs: segment.endUs, cause }], segment.epoch);
    await this.ring.forget(segment);
  }

  /** The camera went away. What it sent is already here. */
  lost(): void {
    if (this.#state.kind === 'recording') this.#become({ kind: 'lost' });
  }

  /** The recording was replayed to its end; nothing ever existed after `toUs`. */
  ended(toUs: number): void {
    this.#become({ kind: 'ended', toUs });
  }

  /** Once recording stops, requests are served with what is there, instead of by the next start. */
  serveWhatIsThere(): void {
    this.#servesWhatIsThere = true;
    this.#wake();
  }

  /** Recording begins, for the first time or again. When it stops, that is a pause, until `endsForGood`. */
  begins(): void {
    this.#pauses = true;
    this.#servesWhatIsThere = false;
    if (this.#state.kind === 'stopped') this.#become({ kind: 'lost' });
  }

  /** What stops recording next, or has stopped it, is the end of it: the agent stops, or the camera is taken out. */
  endsForGood(): void {
    this.#pauses = false;
  }

  /** Nothing more is recorded: for now, or because the agent stops. */
  stopped(): void {
    if (this.#state.kind === 'ended') return;
    if (!this.#pauses) this.#become({ kind: 'stopped' });
    else if (this.#state.kind === 'recording') this.#become({ kind: 'lost' });
  }

  /** Lets go of what it shares with others. Its files stay. */
  close(): void {
    this.ring.close();
  }

  /**
   * The part of a wanted window that can exist. What lies before or after a recording was never there to be recorded,
   * so it is no gap; a camera was there all the time.
   */
  clamp(fromUs: number, toUs: number): { fromUs: number; toUs: number } {
    if (this.#options.pace === 'live') return { fromUs, toUs };
    const [first] = this.#journal.all;
    const beganUs = first?.cause === 'before-start' ? first.toUs : fromUs;
    const endedUs = this.#state.kind === 'ended' ? Math.max(beganUs, this.#state.toUs) : toUs;
    const within = (us: number): number => Math.min(Math.max(us, beganUs), endedUs);
    return { fromUs: within(fromUs), toUs: within(toUs) };
  }

  /**
   * Resolves once footage up to `toUs` is here, or will not come; says `stopped` when only the next start can tell.
   * Rejects with the signal's reason. `epoch` is that of the date.
   */
  async until(toUs: number, signal: AbortSignal, epoch = this.dates.epoch): Promise<'final' | 'stopped'> {
    const askedUs = this.dates.nowUs();
    // A window that is still ahead by then has a wrong date.
    const endUs = this.#options.pace === 'live' ? Math.min(toUs, askedUs + LONGEST_AHEAD_US) : toUs;
    let waitedUs = 0;
    for (let seenUs = askedUs; ; seenUs = this.dates.nowUs()) {
      signal.throwIfAborted();
      if (this.#isOver(epoch)) return 'final';
      if (this.#isFinal(endUs, toUs, waitedUs)) return 'final';
      if (this.#state.kind === 'stopped') return this.#servesWhatIsThere ? 'final' : 'stopped';
      await this.#change(signal);
      const nowUs = this.dates.nowUs();
      if (nowUs >= endUs) waitedUs += Math.min(nowUs - Math.max(seenUs, endUs), LONGEST_STEP_US);
    }
  }

  /**
   * The epoch that a window's dates are of: the present one if they can be its; else the newest of the others whose footage
   * they fit. Ask as soon as the window is known: later, the present epoch may have come to these dates.
   */
  epochOf(window: { fromUs: number; toUs: number }): number {
    const { epoch, beganUs } = this.dates;
    const { segments } = this.ring;
    const nowUs = this.dates.nowUs();
    const startUs = beganUs ?? segments.find((segment) => segment.epoch === epoch)?.startUs ?? nowUs;
    if (window.toUs > startUs && window.toUs <= nowUs + LONGEST_AHEAD_US) return epoch;
    const fits = segments.findLast(
      (segment) =>
        segment.epoch < epoch &&
        segment.startUs < window.toUs &&
        segment.endUs + LONGEST_AHEAD_US > window.fromUs,
    );
    return fits?.epoch ?? epoch;
  }

  /** Deletes the footage. Nothing may use it any more. */
  async remove(): Promise<void> {
    this.close();
    await rm(this.#options.directory, { recursive: true, force: true });
  }

  get #incoming(): string {
    return join(this.#options.directory, 'incoming');
  }

  /** `toUs` by the clock, `recordedToUs` by the footage's own times; `waitedUs` since `toUs`, while this process ran. */
  #isFinal(toUs: number, recordedToUs: number, waitedUs: number): boolean {
    const newest = this.ring.newestOf(this.dates.epoch);
    if (newest !== undefined && newest.endUs >= recordedToUs) return true;
    if (this.#state.kind === 'ended') return true;
    if (this.#options.pace === 'replay') return false;
    const nowUs = this.dates.nowUs();
    if (this.#state.kind === 'lost') return nowUs >= toUs;
    // A segment lasts until the next keyframe.
    const segmentUs = newest === undefined ? 0 : newest.endUs - newest.startUs;
    const lateUs = LATE_US + Math.min(segmentUs, LONGEST_WAIT_FOR_KEYFRAME_US);
    // After a while in which the host slept, or nobody let us run, footage is still on its way to us.
    return nowUs >= toUs && (this.#state.kind === 'recording' ? waitedUs : nowUs - toUs) >= lateUs;
  }

  /** Whether nothing more comes of an epoch. */
  #isOver(epoch: number): boolean {
    if (epoch >= this.dates.epoch) return false;
    // The clock was set a moment ago: what was recorded until then is still on its way.
    return this.#state.kind !== 'recording' || (this.ring.newest?.epoch ?? 0) > epoch;
  }

  async #keep(file: string, times: SegmentTimes): Promise<void> {
    await this.ring.add(file, times);
  }

  /** Notes why nothing lies between the newest segment and one that begins now, if that is more than a hole. */
  async #explain(next: SegmentTimes & { epoch: number }): Promise<void> {
    const newest = this.ring.newestOf(next.epoch);
    if (newest === undefined && this.#journal.of(next.epoch).length > 0) return;
    if (newest !== undefined && next.startUs - newest.endUs <= (next.joinsPrevious ? JOIN_US : HOLE_US))
      return;
    await this.#journal.add(this.#outagesUntil(next.startUs, next.epoch), next.epoch);
  }

  /** Why nothing lies between the newest segment of an epoch and this date. */
  #outagesUntil(toUs: number, epoch: number): Gap[] {
    const starting = this.#state.kind === 'starting' && this.#startedIn === epoch;
    return outagesBetween(this.ring.newestOf(epoch)?.endUs, toUs, {
      agentStartedUs: starting ? this.#startedUs : undefined,
      full: this.#full?.epoch === epoch ? this.#full : undefined,
      steppedToUs: this.ring.newest === undefined ? undefined : this.dates.beganUs,
    });
  }

  #become(state: FootageState): void {
    this.#state = state;
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves when something changed, or after a second: the clock decides some waits. */
  async #change(signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const wake = (): void => woken.abort();
    this.#waiting.add(wake);
    try {
      await this.#clock.sleep(1000, AbortSignal.any([signal, woken.signal]));
    } catch {
      signal.throwIfAborted();
    } finally {
      this.#waiting.delete(wake);
    }
  }
}
