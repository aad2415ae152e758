import type { JSX, RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ClipView } from '../api.ts';
import {
  chosenClip,
  mayLieElsewhere,
  ofPart,
  partsOf,
  plays,
  playableKind,
  type Loaded,
} from '../data/clip-choice.ts';
import { addressOf } from '../place.ts';
import { playbackFaultText } from '../words/reasons.ts';
import { words } from '../words/words.ts';
import { Select } from './select.tsx';

/** Which of an event's clips is shown, and the ways to another one. */
export interface ShownClip {
  clips: readonly ClipView[];
  clip: ClipView | undefined;
  choosePart: (part: number) => void;
  chooseKind: (kind: string) => void;
}

/** At first the first part, as this browser may play it. */
export function useClips(clips: readonly ClipView[]): ShownClip {
  const [part, choosePart] = useState(partsOf(clips)[0] ?? 1);
  const [wanted, chooseKind] = useState<string | undefined>(undefined);
  const kind = wanted ?? playableKind(clips, part, plays);
  return { clips, clip: chosenClip(clips, { part, kind }), choosePart, chooseKind };
}

interface VideoProps {
  shown: ShownClip;
  poster: string | undefined;
  video: RefObject<HTMLVideoElement | null>;
  /** Why there is nothing to play. */
  none: string;
}

/** A clip as a video with the browser's own controls, or why it cannot be seen. One that ends goes on with the next part. */
export function ClipVideo({ shown, poster, video, none }: VideoProps): JSX.Element {
  const { clip, clips, choosePart, chooseKind } = shown;
  const { player: say } = words.value;
  const [failed, setFailed] = useState<{ url: string; network: boolean } | undefined>(undefined);
  const again = useRef<Loaded | undefined>(undefined);
  const url = clip?.url;
  useEffect(() => {
    const here = video.current;
    // A browser that does not start by itself leaves it to the video's own play button.
    void here?.play().catch(() => undefined);
  }, [url]);
  useEffect(() => {
    const here = video.current;
    return () => {
      // Lets go of the connection.
      here?.removeAttribute('src');
      here?.load();
    };
  }, [video]);
  const broken = failed !== undefined && failed.url === url ? failed : undefined;
  const fault =
    clip === undefined
      ? none
      : broken === undefined
        ? undefined
        : playbackFaultText(clip.codec, broken.network);
  const onError = (here: HTMLVideoElement): void => {
    if (clip === undefined || !here.hasAttribute('src')) return;
    const network = here.error?.code === MediaError.MEDIA_ERR_NETWORK;
    const now: Loaded = { url: clip.url, atMs: Date.now() };
    if (network && mayLieElsewhere(again.current, now)) {
      again.current = now;
      reload(here);
      return;
    }
    const other = ofPart(clips, clip.part).find(({ kind }) => kind !== clip.kind);
    if (!network && clip.kind === 'original' && other !== undefined) chooseKind(other.kind);
    else setFailed({ url: clip.url, network });
  };
  return (
    <>
      <video
        id="player-video"
        ref={video}
        src={clip === undefined ? undefined : addressOf(clip.url)}
        poster={poster === undefined ? undefined : addressOf(poster)}
        controls={fault === undefined}
        playsInline
        preload="auto"
        onError={({ currentTarget }) => onError(currentTarget)}
        onEnded={() => {
          if (clip !== undefined && ofPart(clips, clip.part + 1).length > 0) choosePart(clip.part + 1);
        }}
      />
      {fault !== undefined && (
        <p class="stage-fault" id="player-fault" role="alert">
          {fault}
          {clip !== undefined && (
            <>
              {' '}
              <a href={`${addressOf(clip.url)}?download=1`}>{say.downloadThe}</a>
            </>
          )}
        </p>
      )}
    </>
  );
}

function reload(video: HTMLVideoElement): void {
  const { currentTime, paused, playbackRate } = video;
  video.load();
  video.currentTime = currentTime;
  video.playbackRate = playbackRate;
  if (!paused) void video.play().catch(() => undefined);
}

/** The choice between parts, and between the camera's own pictures and H.264, where there is one. */
export function ClipChoices({ shown }: { shown: ShownClip }): JSX.Element | null {
  const { clip, clips, choosePart, chooseKind } = shown;
  const { player: say } = words.value;
  if (clip === undefined) return null;
  const parts = partsOf(clips);
  const kinds = ofPart(clips, clip.part);
  return (
    <>
      {parts.length > 1 && (
        <Select
          label={say.part}
          value={String(clip.part)}
          choices={parts.map((part) => [String(part), say.partOf(part, parts.length)] as const)}
          onChoose={(part) => choosePart(Number(part))}
        />
      )}
      {kinds.length > 1 && (
        <Select
          label={say.rendition}
          value={clip.kind}
          choices={kinds.map(({ kind, codec }) => [
            kind,
            kind === 'original' ? say.original(codec) : say.converted,
          ])}
          onChoose={chooseKind}
        />
      )}
    </>
  );
}
