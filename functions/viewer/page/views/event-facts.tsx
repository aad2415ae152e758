import type { JSX } from 'preact';
import type { EventView } from '../api.ts';
import { durationText, percentText, timeText } from '../words/format.ts';
import { beganText, crossingsText, endedText, gapText } from '../words/reasons.ts';
import { words } from '../words/words.ts';

/** All that is known of an event, as names and values. */
export function EventFacts({ event }: { event: EventView }): JSX.Element {
  return (
    <dl class="facts" id="player-facts">
      {factsOf(event).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function factsOf(event: EventView): [string, string][] {
  const { facts: say, events } = words.value;
  const { exported } = event;
  const list: [string, string][] = [
    exported === undefined ? [say.inSight, durationText(event.eventMs)] : [say.exported, exported.by],
    [say.clip, event.clipMs === undefined ? say.none : durationText(event.clipMs)],
  ];
  // In what somebody asked for nobody has looked for anything.
  if (exported === undefined) {
    list.push([say.score, percentText(event.score)]);
    list.push([say.model, event.demo ? say.demoModel(event.model) : event.model]);
  }
  if (event.zones.length > 0) list.push([say.zones, event.zones.join(', ')]);
  if (event.crossings.length > 0) list.push([say.lines, crossingsText(event.crossings)]);
  if (event.began !== undefined) list.push([say.began, beganText(event.began)]);
  const ended = endedText(event.ended, event.endReason);
  if (ended !== undefined) list.push([say.ended, ended]);
  if (event.videoCodec !== undefined) list.push([say.video, event.videoCodec]);
  const missing = event.gaps.map(gapText).join('; ') || events.incomplete;
  list.push([say.footage, event.complete ? say.complete : missing]);
  return list;
}

/** The window of footage asked for as a bar: where the objects were seen, and what is missing. */
export function Footage({ event }: { event: EventView }): JSX.Element {
  const { player: say } = words.value;
  const { requested, startUs, endUs, gaps, complete } = event;
  const spanUs = Math.max(1, requested.toUs - requested.fromUs);
  const missing = complete ? say.allThere : gaps.map(gapText).join('; ');
  const part = (kind: string, fromUs: number, toUs: number): JSX.Element => {
    const from = Math.min(1, Math.max(0, (fromUs - requested.fromUs) / spanUs));
    const to = Math.min(1, Math.max(from, (toUs - requested.fromUs) / spanUs));
    const style = { left: `${String(from * 100)}%`, width: `${String((to - from) * 100)}%` };
    return <span key={`${kind}${String(fromUs)}`} class="footage-part" data-kind={kind} style={style} />;
  };
  return (
    <div class="footage">
      <div
        class="footage-bar"
        id="player-footage"
        role="img"
        aria-label={say.asked(durationText(spanUs / 1000), missing)}
      >
        {part('seen', startUs, endUs)}
        {gaps.map((gap) => part('gap', gap.fromUs, gap.toUs))}
      </div>
      <p class="footage-legend" aria-hidden="true">
        <span class="footage-from">{timeText(requested.fromUs)}</span>
        <span>
          <i data-kind="seen" /> {say.inSight}
        </span>
        {gaps.length > 0 && (
          <span>
            <i data-kind="gap" /> {say.missing}
          </span>
        )}
        <span class="footage-to">{timeText(requested.toUs)}</span>
      </p>
    </div>
  );
}
