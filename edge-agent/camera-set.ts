import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CameraSettings } from '@faascam/core/camera-settings';
import { cameraId } from '@faascam/core/ids';
import { cameraChanges, changesText, recordingGoesOn, type CameraChanges } from './camera-changes.ts';
import { KeptRequests } from './clips/kept-requests.ts';
import { CameraUnit, type UnitOptions } from './camera-unit.ts';

type Cameras = Readonly<Record<string, CameraSettings>>;

/**
 * For how long requests for clips of a camera that was taken out are still served: its last event ends with it. Longer
 * where clips are not stored yet.
 */
const RETIREMENT_MS = 300_000;

/** The cameras of an agent, which may change while it runs. */
export class CameraSet {
  readonly #options: Omit<UnitOptions, 'camera'>;
  readonly #units = new Map<string, CameraUnit>();
  /** Taken out, but still serving clips. */
  readonly #retired = new Map<string, { unit: CameraUnit; stay: AbortController; gone: Promise<void> }>();
  #cameras: Cameras = {};
  #last: Promise<unknown> = Promise.resolve();
  #ended = false;

  constructor(options: Omit<UnitOptions, 'camera'>) {
    this.#options = options;
  }

  /** The cameras that record, or should. */
  get units(): ReadonlyMap<string, CameraUnit> {
    return this.#units;
  }

  /**
   * Records these cameras from now on. Only what differs from before is touched: other cameras keep their connection
   * and their ffmpeg. Resolves when what is no longer wanted has ended in order. Does nothing once recording has ended.
   */
  async apply(cameras: Cameras): Promise<CameraChanges> {
    const turn = this.#last.then(() => this.#apply(cameras));
    this.#last = turn.catch(() => undefined);
    return await turn;
  }

  /** Ends all recordings, see `CameraUnit.endForGood`. Call it again to wait for it. */
  async endRecording(servesWhatIsThere: boolean): Promise<void> {
    this.#ended = true;
    await this.#last;
    await Promise.all([...this.#units.values()].map((unit) => unit.endForGood(servesWhatIsThere)));
  }

  /** Ends the serving of clips. Call it after `endRecording`. */
  async close(): Promise<void> {
    for (const { stay } of this.#retired.values()) stay.abort();
    await Promise.all([
      ...[...this.#units.values()].map((unit) => unit.close()),
      ...[...this.#retired.values()].map(({ gone }) => gone),
    ]);
  }

  async #apply(cameras: Cameras): Promise<CameraChanges> {
    const changes = cameraChanges(this.#cameras, cameras);
    const text = changesText(changes);
    if (this.#ended || text === '') return changes;
    // The first time it is no change but the start.
    if (Object.keys(this.#cameras).length > 0) this.#options.log.info(`Cameras: ${text}.`);
    else await this.#serveTakenOut(cameras);
    this.#cameras = cameras;
    await Promise.all([
      ...changes.removed.map((camera) => this.#remove(camera)),
      ...changes.added.map((camera) => this.#add(camera, cameras[camera])),
      ...changes.changed.map(async ({ camera, keys }) => {
        const [unit, settings] = [this.#units.get(camera), cameras[camera]];
        if (unit === undefined || settings === undefined) return;
        if (recordingGoesOn(keys)) await unit.keep(settings);
        else await unit.record(settings);
      }),
    ]);
    return changes;
  }

  async #add(camera: string, settings: CameraSettings | undefined): Promise<void> {
    if (settings === undefined) return;
    const retired = this.#retired.get(camera);
    this.#retired.delete(camera);
    retired?.stay.abort();
    const unit = retired?.unit ?? new CameraUnit({ ...this.#options, camera });
    this.#units.set(camera, unit);
    await unit.record(settings);
  }

  async #remove(camera: string): Promise<void> {
    const unit = this.#units.get(camera);
    if (unit === undefined) return;
    this.#units.delete(camera);
    const stay = new AbortController();
    const retired = { unit, stay, gone: this.#retire(camera, unit, stay.signal) };
    this.#retired.set(camera, retired);
    await unit.endForGood(true);
  }

  /** Cameras that were taken out while the agent was away, and whose clips are not all stored. */
  async #serveTakenOut(cameras: Cameras): Promise<void> {
    const { ringDirectory, log } = this.#options;
    for (const camera of await readdir(ringDirectory)) {
      if (camera in cameras || !cameraId.safeParse(camera).success) continue;
      if ((await KeptRequests.countIn(join(ringDirectory, camera, 'requests'))) === 0) continue;
      log.info(
        { camera },
        'The camera was taken out, but some of its clips are not stored yet: they still are.',
      );
      const unit = new CameraUnit({ ...this.#options, camera });
      const stay = new AbortController();
      this.#retired.set(camera, { unit, stay, gone: this.#retire(camera, unit, stay.signal) });
      await unit.serveWhatIsLeft();
    }
  }

  async #retire(camera: string, unit: CameraUnit, stay: AbortSignal): Promise<void> {
    do await this.#options.clock.sleep(RETIREMENT_MS, stay).catch(() => undefined);
    while (!stay.aborted && unit.clipsWaiting > 0);
    // Taken in again meanwhile: then it is no longer ours to close.
    if (this.#retired.get(camera)?.unit !== unit) return;
    await unit.close();
    this.#retired.delete(camera);
  }
}
