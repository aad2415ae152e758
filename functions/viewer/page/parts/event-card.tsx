import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { EventView } from '../api.ts';
import { addressOf } from '../place.ts';
import { go } from '../router.ts';
import { durationText, percentText, timeText } from '../words/format.ts';
import { eventTitle, groupOf, incompleteText, labelText } from '../words/reasons.ts';
import { words } from '../words/words.ts';
import { Icon } from './icons.tsx';

/** How long a pointer or the focus rests on a card before its clip is previewed, in ms: passing over loads nothing. */
const PREVIEW_AFTER_MS = 350;

/** An event as a card, which opens it. Its clip is previewed, without sound, while one points at it. */
export function EventCard({ event, fresh }: { event: EventView; fresh: boolean }): JSX.Element {
  const { events: say } = words.value;
  const preview = usePreview(event);
  const length = event.clipMs === undefined ? say.noFootage : durationText(event.clipMs);
  const badges = badgesOf(event);
  const spoken = [
    eventTitle(event),
    timeText(event.startUs),
    length,
    say.score1(percentText(event.score)),
    ...badges.map(([, text]) => text),
  ].join(', ');
  return (
    <li data-event={event.id} class={fresh ? 'card-new' : undefined}>
      <button
        class="card"
        type="button"
        aria-label={spoken}
        onClick={() => go({ view: 'event', id: event.id })}
        {...preview.handlers}
      >
        <span class="card-picture">
          <Icon name="noPicture" />
          <Snapshot url={event.urls.snapshot} />
          {preview.shown && <Preview event={event} />}
          {badges.length > 0 && <Badges badges={badges} />}
          <span class="card-length">{length}</span>
        </span>
        <span class="card-words">
          <span class="card-head">
            <Chips labels={event.labels} />
            <span class="card-score" title={say.bestScore}>
              {percentText(event.score)}
            </span>
          </span>
          <span class="card-line">
            <span class="card-camera">{event.camera}</span>
            <time dateTime={event.startIso}>{timeText(event.startUs)}</time>
          </span>
        </span>
      </button>
    </li>
  );
}

function Snapshot({ url }: { url: string | undefined }): JSX.Element | null {
  const [broken, setBroken] = useState(false);
  if (url === undefined || broken) return null;
  return <img src={addressOf(url)} alt="" loading="lazy" decoding="async" onError={() => setBroken(true)} />;
}

interface PreviewState {
  shown: boolean;
  handlers: Record<'onPointerEnter' | 'onPointerLeave' | 'onFocus' | 'onBlur', () => void>;
}

function usePreview(event: EventView): PreviewState {
  const [shown, show] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const begin = (): void => {
    clearTimeout(timer.current);
    if (event.urls.clip === undefined && event.urls.preview === undefined) return;
    timer.current = setTimeout(() => show(true), PREVIEW_AFTER_MS);
  };
  const end = (): void => {
    clearTimeout(timer.current);
    show(false);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return { shown, handlers: { onPointerEnter: begin, onPointerLeave: end, onFocus: begin, onBlur: end } };
}

/** From shortly before the objects came into sight, twice as fast. */
function Preview({ event }: { event: EventView }): JSX.Element {
  const [playing, setPlaying] = useState(false);
  const { clip, preview } = event.urls;
  if (preview !== undefined && !preview.endsWith('.mp4')) {
    return <img class="card-preview" src={addressOf(preview)} alt="" data-playing />;
  }
  const begin = Math.max(0, (event.startUs - event.requested.fromUs) / 1e6 - 1);
  return (
    <video
      class="card-preview"
      src={addressOf(preview ?? clip ?? '')}
      muted
      playsInline
      loop
      tabIndex={-1}
      aria-hidden="true"
      data-playing={playing ? '' : undefined}
      onLoadedMetadata={({ currentTarget: video }) => {
        if (preview === undefined) {
          video.currentTime = begin < video.duration ? begin : 0;
          video.playbackRate = 2;
        }
        // What cannot be played here stays a picture.
        void video.play().catch(() => undefined);
      }}
      onPlaying={() => setPlaying(true)}
    />
  );
}

type Badge = readonly [kind: string, text: string];

/** What one should know of the event before believing it. */
export function badgesOf(event: EventView): Badge[] {
  const { events: say } = words.value;
  const badges: Badge[] = [];
  if (!event.complete) badges.push(['incomplete', incompleteText(event.gaps)]);
  if (event.demo) badges.push(['demo', say.demo]);
  if (event.kept === true) badges.push(['kept', say.kept]);
  return badges;
}

export function Badges({ badges }: { badges: readonly Badge[] }): JSX.Element {
  return (
    <span class="card-badges">
      {badges.map(([kind, text]) => (
        <span key={kind} class="badge" data-kind={kind}>
          {text}
        </span>
      ))}
    </span>
  );
}

/** Labels, each in the colour of its kind. */
export function Chips({ labels }: { labels: readonly string[] }): JSX.Element {
  return (
    <span class="chips">
      {labels.map((label) => (
        <span key={label} class="chip" data-group={groupOf(label)}>
          {labelText(label)}
        </span>
      ))}
    </span>
  );
}
