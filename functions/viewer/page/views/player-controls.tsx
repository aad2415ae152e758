import type { ComponentChildren, JSX, RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ClipView } from '../api.ts';
import { Icon } from '../parts/icons.tsx';
import { Select } from '../parts/select.tsx';
import { words } from '../words/words.ts';

const SPEEDS = [0.25, 0.5, 1, 1.5, 2, 4] as const;
/** How long a picture of what is shown lasts, in s. */
const frames = new WeakMap<HTMLVideoElement, number>();

/** What a video's own controls lack: steps by one picture, and the speed. */
export function PlayerControls(props: {
  clip: ClipView | undefined;
  video: RefObject<HTMLVideoElement | null>;
  /** What else is chosen for it. */
  children: ComponentChildren;
}): JSX.Element | null {
  const { clip, video } = props;
  const { player: say } = words.value;
  const [speed, setSpeed] = useState(1);
  const [playing, setPlaying] = useState(false);
  useEffect(() => {
    const shown = video.current;
    if (shown === null) return undefined;
    const events = ['play', 'pause', 'ended'] as const;
    const update = (): void => setPlaying(!shown.paused);
    const updateSpeed = (): void => setSpeed(shown.playbackRate);
    for (const each of events) shown.addEventListener(each, update);
    shown.addEventListener('ratechange', updateSpeed);
    update();
    return () => {
      for (const each of events) shown.removeEventListener(each, update);
      shown.removeEventListener('ratechange', updateSpeed);
    };
  }, [video]);
  useEffect(() => {
    const shown = video.current;
    if (shown === null || clip === undefined) return undefined;
    shown.playbackRate = speed;
    // A camera's pictures may be uneven: what is seen of them counts from then on.
    frames.set(shown, clip.frameMs / 1000);
    return measureFrames(shown);
  }, [video, clip?.url]);
  if (clip === undefined) return null;
  const button = (name: 'frameBack' | 'frameOn' | 'play' | 'pause', act: () => void): JSX.Element => (
    <button class="icon-button" type="button" aria-label={say[name]} title={say[name]} onClick={act}>
      <Icon name={name} />
    </button>
  );
  return (
    <div class="controls">
      {button('frameBack', () => stepFrame(video.current, -1))}
      {button(playing ? 'pause' : 'play', () => toggle(video.current))}
      {button('frameOn', () => stepFrame(video.current, 1))}
      <Select
        label={say.speed}
        value={String(speed)}
        choices={SPEEDS.map((each) => [String(each), say.times(each)] as const)}
        onChoose={(chosen) => {
          if (video.current !== null) video.current.playbackRate = Number(chosen);
        }}
      />
      {props.children}
    </div>
  );
}

/** Does what a key stands for in the player. Keys that a control needs for itself are left to it. */
export function playerKey(press: KeyboardEvent, video: HTMLVideoElement | null): void {
  const { target, key } = press;
  if (press.ctrlKey || press.metaKey || press.altKey) return;
  // A line to slide along needs but the arrows.
  const slides = target instanceof HTMLInputElement && target.type === 'range';
  if ((target instanceof HTMLInputElement && !slides) || target instanceof HTMLSelectElement) return;
  if (key === ',') stepFrame(video, -1);
  else if (key === '.') stepFrame(video, 1);
  else if (key === '<') changeSpeed(video, -1);
  else if (key === '>') changeSpeed(video, 1);
  else if (
    key === ' ' &&
    (slides || target instanceof HTMLDialogElement || target instanceof HTMLDivElement)
  ) {
    toggle(video);
  } else return;
  press.preventDefault();
}

function toggle(video: HTMLVideoElement | null): void {
  if (video === null) return;
  if (video.paused) void video.play().catch(() => undefined);
  else video.pause();
}

function stepFrame(video: HTMLVideoElement | null, step: -1 | 1): void {
  if (video === null) return;
  video.pause();
  const to = video.currentTime + step * (frames.get(video) ?? 0);
  video.currentTime = Math.min(Math.max(0, to), video.duration || 0);
}

function changeSpeed(video: HTMLVideoElement | null, step: -1 | 1): void {
  if (video === null) return;
  const at = SPEEDS.findIndex((speed) => speed >= video.playbackRate);
  video.playbackRate = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, at + step))] ?? 1;
}

/** Learns from pictures shown one after the other how long one lasts. Gives what ends that. */
function measureFrames(video: HTMLVideoElement): () => void {
  if (!('requestVideoFrameCallback' in video)) return () => undefined;
  let before: VideoFrameCallbackMetadata | undefined;
  let handle = 0;
  const look = (_now: number, shown: VideoFrameCallbackMetadata): void => {
    const count = before === undefined ? 0 : shown.presentedFrames - before.presentedFrames;
    const seconds = before === undefined ? 0 : (shown.mediaTime - before.mediaTime) / Math.max(1, count);
    if (count > 0 && seconds > 0.004 && seconds < 0.6) {
      // The shortest counts: what is longer had pictures left out.
      frames.set(video, Math.min(seconds, frames.get(video) ?? Infinity));
    }
    before = shown;
    handle = video.requestVideoFrameCallback(look);
  };
  handle = video.requestVideoFrameCallback(look);
  return () => video.cancelVideoFrameCallback(handle);
}
