import { computed, effect, signal } from '@preact/signals';
import { camerasAnswer, statusAnswer, type CameraView, type StatusAnswer } from '../api.ts';
import { words } from '../words/words.ts';
import { AnswerError, ask, sentenceOf } from './ask.ts';
import { repeat } from './repeat.ts';
import { shutOut } from './session.ts';
import { withSample, type Samples } from './samples.ts';

const CAMERAS_MS = 2000;
const STATUS_MS = 5000;

const known = signal<readonly CameraView[] | undefined>(undefined);
/** Why the cameras shown may be out of date. */
export const camerasFault = signal<string | undefined>(undefined);
/** The viewer itself does not answer, with its sentence. */
export const viewerFault = signal<string | undefined>(undefined);
export const status = signal<StatusAnswer | undefined>(undefined);
/** What each camera did since the page was opened. */
export const samples = signal<ReadonlyMap<string, Samples>>(new Map());

/** Undefined until they were first told of. While they are out of sight, those last seen stay, as offline. */
export const cameras = computed<readonly CameraView[] | undefined>(() => {
  const list = known.value;
  if (camerasFault.value === undefined || list === undefined) return list;
  const cause = words.value.cameras.notReached;
  return list.map((camera) => ({ ...camera, state: 'offline', cause }));
});

export const cameraNames = computed(() =>
  [...new Set([...(status.value?.cameras ?? []), ...(cameras.value ?? []).map(({ id }) => id)])].sort(),
);

async function refreshCameras(): Promise<void> {
  if (shutOut.value) return;
  try {
    const { cameras: list, notice } = await ask('api/cameras', camerasAnswer);
    viewerFault.value = undefined;
    camerasFault.value = notice;
    if (notice !== undefined) {
      known.value ??= [];
      return;
    }
    known.value = list;
    samples.value = new Map(
      list.map((camera) => [camera.id, withSample(samples.value.get(camera.id), camera, Date.now())]),
    );
  } catch (error) {
    camerasFault.value = sentenceOf(error);
    viewerFault.value = error instanceof AnswerError && error.status === 0 ? sentenceOf(error) : undefined;
  }
}

async function refreshStatus(): Promise<void> {
  if (shutOut.value) return;
  try {
    status.value = await ask('api/status', statusAnswer);
  } catch (error) {
    // The cameras' own request tells of a server that is away; all else here is worth a line for whoever looks.
    if (!(error instanceof AnswerError && error.status === 0)) console.warn(sentenceOf(error));
  }
}

/** Asks for cameras and state from now on. */
export function startCameras(): void {
  const both = [repeat(() => CAMERAS_MS, refreshCameras), repeat(() => STATUS_MS, refreshStatus)];
  // Whoever has logged in sees at once what there is.
  effect(() => {
    if (shutOut.value) return;
    for (const one of both) one.now();
  });
}
