import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { EventView } from '../api.ts';
import { levelAt, type Motion } from '../data/motion.ts';
import { fractionOf, lengthOf, marksOf, timeAt, type Span } from '../data/time-axis.ts';
import { clockText, timeText } from '../words/format.ts';
import { groupOf, labelsText, type LabelGroup } from '../words/reasons.ts';
import { words } from '../words/words.ts';
import { MotionLane } from './motion-lane.tsx';

export interface TrackSpan extends Span {
  id: string;
  group: LabelGroup;
  name: string;
}

const MINUTE_US = 60_000_000;
const MARK_PX = 76;

interface DayTrackProps {
  label: string;
  day: Span;
  shown: Span;
  spans: readonly TrackSpan[];
  /** What moved, as far as it is known. */
  motion: Motion | undefined;
  /** When it moved, in order. */
  spells: readonly Span[];
  atUs: number;
  onMove: (us: number) => void;
  onZoom: (factor: number, aroundUs?: number) => void;
  onPan: (byUs: number) => void;
  onOpen: (id: string) => void;
}

/** Events as what is drawn on the line. */
export function spansOf(events: readonly EventView[]): TrackSpan[] {
  return events.map(({ id, startUs, endUs, labels }) => ({
    ...{ id, fromUs: startUs, toUs: Math.max(endUs, startUs) },
    group: groupOf(labels[0] ?? ''),
    name: labelsText(labels),
  }));
}

/** The line of a day, a slider of time: one moves along it by pointer, touch or keys. */
export function DayTrack(props: DayTrackProps): JSX.Element {
  const { day, shown, spans, motion, atUs, onMove, onZoom, onPan } = props;
  const { timeline: say } = words.value;
  const track = useRef<HTMLDivElement>(null);
  const timeUnder = (clientX: number): number => {
    const box = track.current?.getBoundingClientRect();
    return box === undefined ? atUs : timeAt(shown, (clientX - box.left) / Math.max(1, box.width));
  };
  useWheel(track, (wheel) => {
    if (wheel.deltaX === 0 && !wheel.shiftKey && !wheel.ctrlKey) return false;
    if (wheel.ctrlKey) onZoom(wheel.deltaY > 0 ? 1.25 : 0.8, timeUnder(wheel.clientX));
    else onPan(((wheel.deltaX || wheel.deltaY) / 600) * lengthOf(shown));
    return true;
  });
  const drag = (move: PointerEvent): void => {
    if (track.current?.hasPointerCapture(move.pointerId) === true) onMove(timeUnder(move.clientX));
  };
  const most = Math.max(3, Math.floor((track.current?.clientWidth ?? 600) / MARK_PX));
  const moves = motion !== undefined && levelAt(motion, atUs) > 0;
  const within = (us: number): boolean => us >= shown.fromUs && us <= shown.toUs;
  return (
    <div
      class="track"
      ref={track}
      role="slider"
      tabIndex={0}
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={Math.round(lengthOf(day) / 1_000_000)}
      aria-valuenow={Math.round((atUs - day.fromUs) / 1_000_000)}
      aria-valuetext={valueText(spans, atUs, moves ? say.motion : undefined)}
      onKeyDown={(press) => {
        if (!trackKey(press, props)) return;
        press.preventDefault();
        press.stopPropagation();
      }}
      onPointerDown={(down) => {
        if (down.button !== 0) return;
        track.current?.setPointerCapture(down.pointerId);
        onMove(timeUnder(down.clientX));
      }}
      onPointerMove={drag}
      onDblClick={(click) => onZoom(0.25, timeUnder(click.clientX))}
    >
      <div class="track-marks" aria-hidden="true">
        {marksOf(shown, day, most).map((us) => (
          <span key={us} style={{ left: percent(fractionOf(shown, us)) }}>
            {clockText(us)}
          </span>
        ))}
      </div>
      <div class="track-lane">
        {spans
          .filter(({ fromUs, toUs }) => toUs >= shown.fromUs && fromUs <= shown.toUs)
          .map((span) => {
            const from = Math.max(0, fractionOf(shown, span.fromUs));
            const to = Math.min(1, fractionOf(shown, span.toUs));
            return (
              <span
                key={span.id}
                class="track-event"
                data-group={span.group}
                title={`${span.name}, ${timeText(span.fromUs)}`}
                style={{ left: percent(from), width: percent(Math.max(0, to - from)) }}
              />
            );
          })}
      </div>
      {motion !== undefined && <MotionLane motion={motion} shown={shown} name={say.motion} />}
      {within(atUs) && (
        <div class="track-cursor" style={{ left: percent(fractionOf(shown, atUs)) }}>
          <span>{timeText(atUs)}</span>
        </div>
      )}
    </div>
  );
}

function percent(fraction: number): string {
  return `${String(fraction * 100)}%`;
}

function valueText(spans: readonly TrackSpan[], atUs: number, motion: string | undefined): string {
  const here = spans.filter(({ fromUs, toUs }) => fromUs <= atUs && atUs <= toUs).map(({ name }) => name);
  return [timeText(atUs), ...here, ...(motion === undefined ? [] : [motion])].join(', ');
}

/** Does what a key stands for on the line; false where it stands for nothing. */
function trackKey(
  { key, shiftKey, ctrlKey, metaKey, altKey }: KeyboardEvent,
  { day, spans, spells, atUs, onMove, onZoom, onOpen }: DayTrackProps,
): boolean {
  if (ctrlKey || metaKey || altKey) return false;
  const stepUs = shiftKey ? 10 * MINUTE_US : MINUTE_US;
  const after = spans.find(({ fromUs }) => fromUs > atUs);
  const before = spans.findLast(({ fromUs }) => fromUs < atUs);
  const here = spans.findLast(({ fromUs, toUs }) => fromUs <= atUs && atUs <= toUs);
  const moveTo = (span: Span | undefined): void => {
    if (span !== undefined) onMove(span.fromUs);
  };
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowDown':
      onMove(atUs - stepUs);
      return true;
    case 'ArrowRight':
    case 'ArrowUp':
      onMove(atUs + stepUs);
      return true;
    case 'PageDown':
      onMove(atUs - 60 * MINUTE_US);
      return true;
    case 'PageUp':
      onMove(atUs + 60 * MINUTE_US);
      return true;
    case 'Home':
      onMove(day.fromUs);
      return true;
    case 'End':
      onMove(day.toUs);
      return true;
    case '+':
    case '=':
      onZoom(0.5);
      return true;
    case '-':
      onZoom(2);
      return true;
    case 'n':
    case 'N':
      moveTo(after);
      return true;
    case 'p':
    case 'P':
      moveTo(before);
      return true;
    case 'm':
      moveTo(spells.find(({ fromUs }) => fromUs > atUs));
      return true;
    case 'M':
      moveTo(spells.findLast(({ fromUs }) => fromUs < atUs));
      return true;
    case 'Enter':
      if (here !== undefined) onOpen(here.id);
      return true;
    default:
      return false;
  }
}

/** A wheel that does something here must not scroll the page as well: that takes a listener that is not passive. */
function useWheel(target: { current: HTMLElement | null }, turned: (wheel: WheelEvent) => boolean): void {
  const act = useRef(turned);
  act.current = turned;
  useEffect(() => {
    const element = target.current;
    const listen = (wheel: WheelEvent): void => {
      if (act.current(wheel)) wheel.preventDefault();
    };
    element?.addEventListener('wheel', listen, { passive: false });
    return () => element?.removeEventListener('wheel', listen);
  }, [target]);
}
