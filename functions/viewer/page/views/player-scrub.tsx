import type { JSX, RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ClipView, EventView } from '../api.ts';
import { tileAt } from '../data/clip-choice.ts';
import { addressOf } from '../place.ts';
import { durationText } from '../words/format.ts';
import { words } from '../words/words.ts';

/** The clip from its beginning to its end: what lies where one points is shown before one goes there. */
export function PlayerScrub(props: {
  event: EventView;
  clip: ClipView;
  video: RefObject<HTMLVideoElement | null>;
}): JSX.Element | null {
  const { event, clip, video } = props;
  const { player: say } = words.value;
  const lengthS = clip.durationMs / 1000;
  const [atS, setAtS] = useState(0);
  /** Where one points, of the whole: 0 to 1. */
  const [pointed, point] = useState<number | undefined>(undefined);
  useEffect(() => {
    const shown = video.current;
    if (shown === null) return undefined;
    const update = (): void => setAtS(shown.currentTime);
    const events = ['timeupdate', 'seeking', 'loadedmetadata'] as const;
    for (const each of events) shown.addEventListener(each, update);
    return () => {
      for (const each of events) shown.removeEventListener(each, update);
    };
  }, [video]);
  const { strip } = event;
  const { strip: picture } = event.urls;
  if (strip === undefined || picture === undefined) return null;
  const tile =
    pointed === undefined ? undefined : tileAt(strip, event.clips, clip.part, pointed * clip.durationMs);
  return (
    <div class="scrub">
      {pointed !== undefined && tile !== undefined && (
        <div
          class="scrub-look"
          // Kept within the line at both of its ends.
          style={{
            left: `${String(pointed * 100)}%`,
            transform: `translateX(${String(-pointed * 100)}%)`,
          }}
          aria-hidden="true"
        >
          <div
            class="scrub-tile"
            style={{
              width: `${String(strip.tileWidth)}px`,
              height: `${String(strip.tileHeight)}px`,
              backgroundImage: `url("${addressOf(picture)}")`,
              backgroundPosition: `${String(-tile.x)}px ${String(-tile.y)}px`,
            }}
          />
          <span>{durationText(pointed * clip.durationMs)}</span>
        </div>
      )}
      <input
        type="range"
        aria-label={say.position}
        aria-valuetext={durationText(atS * 1000)}
        min={0}
        max={lengthS}
        step="any"
        value={atS}
        onInput={({ currentTarget }) => {
          const to = Number(currentTarget.value);
          setAtS(to);
          if (video.current !== null) video.current.currentTime = to;
        }}
        onKeyDown={(press) => {
          const step = { ArrowLeft: -1, ArrowRight: 1 }[press.key];
          if (step === undefined || video.current === null) return;
          press.preventDefault();
          video.current.currentTime = Math.min(lengthS, Math.max(0, atS + step));
        }}
        onPointerMove={(move) => {
          const { left, width } = move.currentTarget.getBoundingClientRect();
          point(Math.min(1, Math.max(0, (move.clientX - left) / Math.max(1, width))));
        }}
        onPointerLeave={() => point(undefined)}
        onPointerUp={({ pointerType }) => {
          if (pointerType !== 'mouse') point(undefined);
        }}
      />
    </div>
  );
}
