import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { exportAnswer, type EventView, type ExportAnswer } from '../api.ts';
import { ask, sentenceOf, tell } from '../data/ask.ts';
import { cameras } from '../data/cameras.ts';
import { repeat } from '../data/repeat.ts';
import { mayOperate } from '../data/session.ts';
import type { Span } from '../data/time-axis.ts';
import { inputText, inputUs, LONGEST_EXPORT_MS, rangeFault } from '../data/time-input.ts';
import { Icon } from '../parts/icons.tsx';
import { Link } from '../parts/link.tsx';
import { addressOf } from '../place.ts';
import { durationText } from '../words/format.ts';
import { gapText } from '../words/reasons.ts';
import { words } from '../words/words.ts';
import { askForEvent } from './event-source.ts';

const LOOK_MS = 1000;

/** Any footage that the camera's host still has, as a clip: by whom may ask for it. `range`: what is proposed. */
export function ExportFootage(props: { camera: string; range: () => Span }): JSX.Element | null {
  const { export: say } = words.value;
  const [proposed, propose] = useState<Span | undefined>(undefined);
  if (!mayOperate.value) return null;
  return (
    <>
      <button
        class="button"
        type="button"
        aria-expanded={proposed !== undefined}
        title={say.hint}
        onClick={() => propose(proposed === undefined ? props.range() : undefined)}
      >
        <Icon name="download" />
        {say.name}
      </button>
      {proposed !== undefined && <ExportForm camera={props.camera} proposed={proposed} />}
    </>
  );
}

const HALF_US = 30_000_000;

/** The minute until now. */
export function lastMinute(): Span {
  const nowUs = Date.now() * 1000;
  return { fromUs: nowUs - 2 * HALF_US, toUs: nowUs };
}

/** The minute around a time, or the last one, if it is not over. */
export function minuteAround(us: number): Span {
  const last = lastMinute();
  return us + HALF_US > last.toUs ? last : { fromUs: us - HALF_US, toUs: us + HALF_US };
}

function ExportForm({ camera, proposed }: { camera: string; proposed: Span }): JSX.Element {
  const { export: say } = words.value;
  const [from, setFrom] = useState(inputText(proposed.fromUs));
  const [to, setTo] = useState(inputText(proposed.toUs));
  const [fault, setFault] = useState<string | undefined>(undefined);
  const [asked, setAsked] = useState<ExportAnswer | undefined>(undefined);
  const held = cameras.value?.find(({ id }) => id === camera)?.ring.spanMs;
  const begin = async (): Promise<void> => {
    const [fromUs, toUs] = [inputUs(from, proposed.fromUs), inputUs(to, proposed.toUs)];
    const wrong = rangeFault(fromUs, toUs, Date.now() * 1000);
    setAsked(undefined);
    setFault(wrong === undefined ? undefined : say.faults[wrong]);
    if (wrong !== undefined) return;
    try {
      const path = `api/cameras/${encodeURIComponent(camera)}/exports`;
      setAsked(exportAnswer(await tell('POST', path, { fromUs, toUs }), 'the answer'));
    } catch (error) {
      setFault(sentenceOf(error));
    }
  };
  return (
    <form
      class="asked"
      aria-label={say.name}
      onSubmit={(submit) => {
        submit.preventDefault();
        void begin();
      }}
    >
      {(
        [
          [say.from, from, setFrom],
          [say.to, to, setTo],
        ] as const
      ).map(([name, value, set]) => (
        <label key={name} class="field field-time">
          <span>{name}</span>
          <input
            type="datetime-local"
            step="1"
            value={value}
            onInput={({ currentTarget }) => set(currentTarget.value)}
          />
        </label>
      ))}
      <button class="button button-strong" type="submit">
        {say.begin}
      </button>
      <p class="hint">
        {say.most(durationText(LONGEST_EXPORT_MS))}
        {held !== undefined && held > 0 && ` ${say.held(durationText(held))}`}
      </p>
      {fault !== undefined && (
        <p class="cause" role="alert">
          {fault}
        </p>
      )}
      {asked !== undefined && <Progress key={asked.id} asked={asked} />}
    </form>
  );
}

type Outcome = { kind: 'stored'; event: EventView } | { kind: 'gone' };

/** How far an export is, until its clip is there. */
function Progress({ asked }: { asked: ExportAnswer }): JSX.Element {
  const { export: say, player: sayPlayer } = words.value;
  const [outcome, setOutcome] = useState<Outcome | undefined>(undefined);
  const [fault, setFault] = useState<string | undefined>(undefined);
  useEffect(() => {
    const repeated = repeat(
      () => LOOK_MS,
      async () => {
        try {
          const found = await outcomeOf(asked);
          setFault(undefined);
          if (found === undefined) return;
          setOutcome(found);
          repeated.stop();
        } catch (error) {
          setFault(sentenceOf(error));
        }
      },
    );
    return () => repeated.stop();
  }, [asked.id]);
  if (outcome?.kind === 'gone') return <p role="status">{sayPlayer.gone}</p>;
  if (outcome === undefined) {
    return (
      <div class="export-state" role="status">
        <progress aria-label={say.waiting} />
        <p>{fault ?? say.waiting}</p>
        <p class="hint">{say.waitingHint}</p>
      </div>
    );
  }
  const { event } = outcome;
  const { clip } = event.urls;
  return (
    <div class="export-state" role="status">
      <p>
        {clip === undefined
          ? sayPlayer.noFootage(event.gaps.map(gapText).join('; '))
          : say.ready(durationText(event.clipMs ?? 0))}
      </p>
      {clip !== undefined && (
        <a class="button button-strong" href={`${addressOf(clip)}?download=1`}>
          <Icon name="download" />
          {sayPlayer.download}
        </a>
      )}
      <Link to={{ view: 'event', id: event.id }} class="button">
        <Icon name="play" />
        {say.open}
      </Link>
    </div>
  );
}

/** Undefined: it is on its way. Throws `AnswerError`. */
async function outcomeOf({ id, urls }: ExportAnswer): Promise<Outcome | undefined> {
  const { state } = await ask(urls.state, exportAnswer);
  if (state === 'removed') return { kind: 'gone' };
  const event = state === 'stored' ? await askForEvent(id) : undefined;
  return event && { kind: 'stored', event };
}
