import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { CameraView } from '../api.ts';
import { beforeLogOut, changeHeaders } from '../data/session.ts';
import type { LiveSound } from '../live-way.ts';
import { LiveBoxes } from '../live-boxes.ts';
import { playLive } from '../live-player.ts';
import { base } from '../place.ts';
import { LatestPicture } from './latest-picture.tsx';

/** Where none of these gets through, the newest picture goes on being shown. */
const WAYS = ['webrtc', 'mse', 'mjpeg'] as const;
/** Those whose pictures can be shown in time with their boxes. */
const TIMED_WAYS = ['mse', 'mjpeg'] as const;

interface LiveViewProps {
  camera: CameraView;
  /** How often the newest picture is asked for until live view plays, in ms. */
  everyMs: number;
  alt: string;
  class: string;
  /** How it is shown, each time that changes: webrtc, mse, mjpeg, or jpeg for single pictures. */
  onPath?: (path: string) => void;
  /** Whether the boxes of detections are drawn over it, which shows it a little later; default: not. */
  boxes?: boolean;
  /** Whether its sound is to be heard; default: not. */
  sound?: boolean;
  /** What became of that. */
  onSound?: (sound: LiveSound) => void;
}

/** A camera's newest picture at once, and live view over it as soon as that plays. Nothing runs out of sight. */
export function LiveView(props: LiveViewProps): JSX.Element {
  const { camera, onPath, boxes = false, sound = false, onSound } = props;
  const place = useRef<HTMLSpanElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const inView = useInView(place);
  const [playing, setPlaying] = useState(false);
  const told = useRef(onPath);
  told.current = onPath;
  const toldOfSound = useRef(onSound);
  toldOfSound.current = onSound;
  const streams = camera.state === 'streaming';
  useEffect(() => {
    const target = place.current;
    if (target === null || !inView || !streams) return undefined;
    told.current?.('jpeg');
    const drawn = boxes && canvas.current !== null ? new LiveBoxes(canvas.current, camera.id) : undefined;
    const stop = playLive(target, camera.id, {
      base: base.href,
      viewerHeaders: changeHeaders,
      kinds: boxes ? TIMED_WAYS : WAYS,
      times: drawn,
      sound,
      onSound: (what) => toldOfSound.current?.(what),
      onPath: ({ kind }) => {
        setPlaying(true);
        told.current?.(kind);
      },
      onFault: () => {
        setPlaying(false);
        drawn?.clear();
        told.current?.('jpeg');
      },
    });
    beforeLogOut.add(stop);
    return () => {
      beforeLogOut.delete(stop);
      void stop();
      drawn?.close();
      setPlaying(false);
      target.replaceChildren();
    };
  }, [camera.id, inView, streams, sound, boxes]);
  return (
    <>
      {!playing && (
        <LatestPicture url={camera.urls.frame} everyMs={props.everyMs} alt={props.alt} class={props.class} />
      )}
      <span
        class="live-way"
        data-playing={playing ? '' : undefined}
        ref={place}
        role={playing && props.alt !== '' ? 'img' : undefined}
        aria-label={playing && props.alt !== '' ? props.alt : undefined}
        aria-hidden={props.alt === '' ? 'true' : undefined}
      />
      {boxes && <canvas class="live-boxes" ref={canvas} aria-hidden="true" />}
    </>
  );
}

function useInView(target: { current: HTMLElement | null }): boolean {
  const [inView, setInView] = useState(false);
  useEffect(() => {
    const watched = target.current?.parentElement;
    if (watched === null || watched === undefined) return undefined;
    const observer = new IntersectionObserver((entries) => {
      setInView(entries.at(-1)?.isIntersecting ?? false);
    });
    observer.observe(watched);
    return () => observer.disconnect();
  }, [target]);
  return inView;
}
