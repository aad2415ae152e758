import type { JSX } from 'preact';
import { words } from '../words/words.ts';

const WIDTH = 240;
const HEIGHT = 56;

/** Values over time as a line with its last value beside; `least` is the least value that reaches the top. */
export function Graph(props: {
  name: string;
  now: string;
  span: string;
  values: readonly number[];
  least: number;
  /** What is shown when it is no good news, or none at all. */
  kind?: 'bad' | 'none';
}): JSX.Element {
  const { name, now, span, values, least, kind } = props;
  const line = pointsOf(values, Math.max(least, ...values));
  const spoken = words.value.health.graph(name, now);
  return (
    <figure class="graph" data-kind={kind}>
      <figcaption>
        <span>{name}</span>
        <strong class="number">{now}</strong>
      </figcaption>
      <svg
        viewBox={`0 0 ${String(WIDTH)} ${String(HEIGHT)}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={spoken}
      >
        <line class="graph-base" x1="0" x2={WIDTH} y1={HEIGHT - 1} y2={HEIGHT - 1} />
        {line !== '' && (
          <polygon
            class="graph-area"
            points={`0,${String(HEIGHT)} ${line} ${String(WIDTH)},${String(HEIGHT)}`}
          />
        )}
        {line !== '' && <polyline class="graph-line" points={line} />}
      </svg>
      <p class="hint">{span}</p>
    </figure>
  );
}

/** From left to right over the whole width; a single value is a level line. */
export function pointsOf(values: readonly number[], top: number): string {
  const level = values.length === 1 ? [...values, ...values] : values;
  return level
    .map((value, index) => {
      const x = (index / (level.length - 1)) * WIDTH;
      const y = HEIGHT - 2 - (value / top) * (HEIGHT - 6);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');
}
