import type { JSX } from 'preact';
import { faultOf, leastPoints, type Shape, type ShapeFault } from '../data/shapes.ts';
import { Icon } from '../parts/icons.tsx';
import { words } from '../words/words.ts';

interface ShapeListProps {
  shapes: readonly Shape[];
  chosen: number | undefined;
  onChoose: (key: number) => void;
  onChange: (shape: Shape) => void;
  onRemove: (key: number) => void;
}

/** The shapes by name, to choose, rename and remove, each with what is wrong with it. */
export function ShapeList(props: ShapeListProps): JSX.Element {
  const { zones: say } = words.value;
  return (
    <section class="panel" aria-labelledby="shapes-title">
      <h2 id="shapes-title">{say.shapes}</h2>
      {props.shapes.length === 0 && <p class="hint">{say.none}</p>}
      <ul class="shapes">
        {props.shapes.map((shape) => (
          <ShapeRow key={shape.key} shape={shape} {...props} />
        ))}
      </ul>
    </section>
  );
}

function ShapeRow(props: ShapeListProps & { shape: Shape }): JSX.Element {
  const { shape, shapes, chosen, onChoose, onChange, onRemove } = props;
  const { zones: say } = words.value;
  const fault = faultOf(shape, shapes);
  const kind = say[shape.kind];
  return (
    <li class="shape" data-kind={shape.kind} data-chosen={shape.key === chosen ? '' : undefined}>
      <button
        class="shape-mark"
        type="button"
        aria-pressed={shape.key === chosen}
        aria-label={`${kind} ${shape.name}`}
        onClick={() => onChoose(shape.key)}
      >
        {kind}
      </button>
      {shape.kind === 'mask' ? (
        <span class="shape-name">{shape.name}</span>
      ) : (
        <input
          class="shape-name"
          aria-label={`${say.name}: ${shape.name}`}
          value={shape.name}
          spellcheck={false}
          onFocus={() => onChoose(shape.key)}
          onChange={(change) => onChange({ ...shape, name: change.currentTarget.value })}
        />
      )}
      <button
        class="icon-button"
        type="button"
        aria-label={`${say.remove}: ${shape.name}`}
        title={say.remove}
        onClick={() => onRemove(shape.key)}
      >
        <Icon name="trash" />
      </button>
      {shape.kind === 'zone' && (
        <label class="check">
          <input
            type="checkbox"
            checked={shape.more['required'] === true}
            onChange={(change) =>
              onChange({ ...shape, more: { ...shape.more, required: change.currentTarget.checked } })
            }
          />
          {say.required}
        </label>
      )}
      {fault !== undefined && shape.points.length > 0 && <p class="shape-fault">{faultText(fault, shape)}</p>}
    </li>
  );
}

function faultText(fault: ShapeFault, { name, kind }: Shape): string {
  const { zones: say } = words.value;
  switch (fault) {
    case 'too-few':
      return say.tooFew(name, leastPoints[kind]);
    case 'crosses':
      return say.crosses(name);
    case 'bad-name':
      return say.badName(name);
    case 'twice':
      return say.twice(name);
  }
}
