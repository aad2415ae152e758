import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { cameraNames, cameras, status } from '../data/cameras.ts';
import { useDayEvents } from '../data/day-events.ts';
import { useDayMotion } from '../data/day-motion.ts';
import { spellsOf } from '../data/motion.ts';
import { including, lengthOf, panned, zoomed, type Span } from '../data/time-axis.ts';
import { DayTrack, spansOf } from '../parts/day-track.tsx';
import { Empty } from '../parts/empty.tsx';
import { EventCard } from '../parts/event-card.tsx';
import { IconButton } from '../parts/icon-button.tsx';
import { Select } from '../parts/select.tsx';
import { go, search, setSearch } from '../router.ts';
import { clockText, dayBeside, dayKey, dayText, dayWindow } from '../words/format.ts';
import { words } from '../words/words.ts';
import { ExportFootage, minuteAround } from './export-footage.tsx';
import { TimelineStage } from './timeline-stage.tsx';
import { CamerasNotice } from './wall.tsx';

const NOTHING_FRESH: ReadonlySet<string> = new Set();
const MOST_CARDS = 24;
const MOST_SPELLS = 200;

/** A camera's day on a line: what was stored, and the clip at the time that one moves to. */
export function Timeline({ camera: asked }: { camera: string }): JSX.Element {
  const { timeline: say, cameras: sayCameras } = words.value;
  const names = cameraNames.value;
  const camera = asked === '' ? (names[0] ?? '') : asked;
  const today = dayKey(Date.now() * 1000);
  const key = new URLSearchParams(search.value).get('day') ?? today;
  const day = dayWindow(key) ?? dayWindow(today);
  const known = cameras.value !== undefined || status.value !== undefined;
  return (
    <section aria-labelledby="timeline-title">
      <div class="toolbar">
        <h1 class="page-title" id="timeline-title">
          {say.title}
        </h1>
        <div class="filters">
          <Select
            label={say.camera}
            value={camera}
            choices={[...new Set([...names, ...(camera === '' ? [] : [camera])])].map((name) => [name, name])}
            onChoose={(chosen) => go({ view: 'timeline', camera: chosen }, { query: search.value })}
          />
          <DaySteps day={key} today={today} />
        </div>
      </div>
      <CamerasNotice />
      {camera === '' && known && <Empty title={sayCameras.none} text={sayCameras.noneHint} waiting />}
      {camera !== '' && day !== undefined && <Day key={`${camera} ${key}`} camera={camera} day={day} />}
    </section>
  );
}

function DaySteps({ day, today }: { day: string; today: string }): JSX.Element {
  const { timeline: say } = words.value;
  const choose = (chosen: string): void => {
    setSearch(chosen === today || chosen === '' ? '' : `?day=${chosen}`);
  };
  return (
    <div class="day-steps">
      <IconButton name="newer" label={say.before} onClick={() => choose(dayBeside(day, -1))} />
      <label class="field field-day">
        <span>{say.day}</span>
        <input
          type="date"
          value={day}
          max={today}
          onChange={(change) => choose(change.currentTarget.value)}
        />
      </label>
      <IconButton
        name="older"
        label={say.after}
        disabled={day >= today}
        onClick={() => choose(dayBeside(day, 1))}
      />
    </div>
  );
}

function Day({ camera, day }: { camera: string; day: Span }): JSX.Element {
  const { timeline: say, events: sayEvents } = words.value;
  const { events, more, fault } = useDayEvents(camera, day);
  const motion = useDayMotion(camera, day);
  const spells = useMemo(() => (motion === undefined ? [] : spellsOf(motion)), [motion]);
  const movedMs = spells.reduce((sum, spell) => sum + lengthOf(spell), 0) / 1000;
  const [shown, setShown] = useState(day);
  const [atUs, setAtUs] = useState<number | undefined>(undefined);
  const last = events?.at(-1);
  // At first at the day's last event: that is what one mostly looks for.
  const cursorUs = atUs ?? last?.startUs ?? Math.min(day.toUs, Date.now() * 1000);
  const move = (us: number): void => {
    const to = Math.round(Math.min(day.toUs, Math.max(day.fromUs, us)));
    setAtUs(to);
    setShown((span) => including(span, day, to));
  };
  const zoom = (factor: number, aroundUs = cursorUs): void => {
    setShown((span) => zoomed(including(span, day, aroundUs), day, factor, aroundUs));
  };
  useEffect(() => {
    setShown(day);
  }, [day.fromUs]);
  const visible = (events ?? [])
    .filter(({ startUs, endUs }) => endUs >= shown.fromUs && startUs <= shown.toUs)
    .toReversed();
  return (
    <div class="day">
      <TimelineStage camera={camera} events={events ?? []} atUs={cursorUs} onMove={move} />
      <div class="track-tools">
        <p class="hint">
          {events === undefined
            ? words.value.loading
            : more
              ? say.atLeast(events.length)
              : say.count(events.length)}
          {movedMs > 0 && <span class="track-moved">{say.moved(movedMs)}</span>}
        </p>
        <button class="button" type="button" onClick={() => setShown(day)}>
          {say.whole}
        </button>
        <IconButton name="minus" label={say.zoomOut} onClick={() => zoom(2)} />
        <IconButton name="plus" label={say.zoomIn} onClick={() => zoom(0.5)} />
      </div>
      <DayTrack
        label={say.slider(camera, dayText(day.fromUs, Date.now() * 1000))}
        day={day}
        shown={shown}
        spans={spansOf(events ?? [])}
        motion={motion}
        spells={spells}
        atUs={cursorUs}
        onMove={move}
        onZoom={zoom}
        onPan={(byUs) => setShown((span) => panned(span, day, byUs))}
        onOpen={(id) => go({ view: 'event', id })}
      />
      <Spells spells={spells} />
      <p class="hint keys">{say.keys}</p>
      <div class="actions">
        <ExportFootage camera={camera} range={() => minuteAround(cursorUs)} />
      </div>
      {fault !== undefined && (
        <p class="notice" role="alert">
          {fault}
        </p>
      )}
      {events?.length === 0 && <Empty title={say.none} text={say.noneHint} />}
      {visible.length > 0 && (
        <section class="latest" aria-labelledby="day-events">
          <h2 id="day-events">{sayEvents.title}</h2>
          <ul class="grid">
            {visible.slice(0, MOST_CARDS).map((event) => (
              <EventCard key={event.id} event={event} fresh={NOTHING_FRESH.has(event.id)} />
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

/** When something moved, for those who do not see the line. */
function Spells({ spells }: { spells: readonly Span[] }): JSX.Element | null {
  const { timeline: say } = words.value;
  if (spells.length === 0) return null;
  return (
    <ul class="visually-hidden" aria-label={say.motionList}>
      {spells.slice(-MOST_SPELLS).map(({ fromUs, toUs }) => (
        <li key={fromUs}>{say.span(clockText(fromUs), clockText(toUs))}</li>
      ))}
    </ul>
  );
}
