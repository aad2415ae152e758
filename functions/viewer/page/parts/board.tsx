import type { ComponentChildren, JSX } from 'preact';
import { useRef } from 'preact/hooks';
import {
  centreOf,
  middleAfter,
  mostPoints,
  rounded,
  withInserted,
  withoutPoint,
  withPoint,
  type Point,
  type Shape,
} from '../data/shapes.ts';
import { percentText } from '../words/format.ts';
import { words } from '../words/words.ts';

interface BoardProps {
  label: string;
  /** Width over height of the picture. */
  aspect: number;
  shapes: readonly Shape[];
  /** Key of the shape whose corners are shown. */
  chosen: number | undefined;
  /** The chosen one is being drawn: each click sets a corner. */
  drawing: boolean;
  onChoose: (key: number) => void;
  onChange: (shape: Shape, moving: boolean) => void;
  onSettle: () => void;
  onFinish: () => void;
  /** The picture below the shapes. */
  children: ComponentChildren;
}

const WIDTH = 1000;
const STEP = 0.005;
const FAR_STEP = 0.05;
/** A click this near to the first corner closes the shape. */
const CLOSING = 0.025;

/** Shapes over a picture: corners are moved by mouse, touch and keys. */
export function Board(props: BoardProps): JSX.Element {
  const { shapes, chosen, drawing, aspect } = props;
  const svg = useRef<SVGSVGElement>(null);
  const cross = useRef<Point>([0.5, 0.5]);
  const shape = shapes.find(({ key }) => key === chosen);
  const height = WIDTH / aspect;
  const pointOf = (at: { clientX: number; clientY: number }): Point => {
    const box = svg.current?.getBoundingClientRect();
    if (box === undefined || box.width === 0) return [0, 0];
    return [rounded((at.clientX - box.left) / box.width), rounded((at.clientY - box.top) / box.height)];
  };
  const setCorner = (point: Point): void => {
    if (shape === undefined) return;
    const [first] = shape.points;
    if (first !== undefined && shape.points.length > 2 && near(first, point, aspect)) {
      props.onFinish();
      return;
    }
    const next = withInserted(shape, shape.points.length, point);
    props.onChange(next, false);
    if (next.points.length >= mostPoints[shape.kind]) props.onFinish();
  };
  const boardKey = (press: KeyboardEvent): void => {
    if (!drawing) return;
    const moved = arrowOf(press);
    const [x, y] = cross.current;
    if (moved !== undefined) cross.current = [rounded(x + moved[0] * 4), rounded(y + moved[1] * 4)];
    else if (press.key === 'Enter') setCorner(cross.current);
    else if (press.key === 'Escape') props.onFinish();
    else return;
    press.preventDefault();
    showCross(svg.current, cross.current, height);
  };
  return (
    <div class="board" style={{ aspectRatio: String(aspect) }} data-drawing={drawing ? '' : undefined}>
      {props.children}
      <svg
        ref={svg}
        viewBox={`0 0 ${String(WIDTH)} ${String(height)}`}
        role="application"
        aria-label={props.label}
        tabindex={0}
        onKeyDown={boardKey}
        onClick={(click) => {
          if (drawing) setCorner(pointOf(click));
        }}
      >
        {shapes.map((each) => (
          <Outline
            key={each.key}
            shape={each}
            height={height}
            chosen={each.key === chosen}
            open={drawing && each.key === chosen}
            onChoose={drawing ? undefined : () => props.onChoose(each.key)}
          />
        ))}
        {drawing && (
          <path class="board-cross" d="M-14 0H14M0-14V14" transform={placed(cross.current, height)} />
        )}
        {shape !== undefined && <Corners {...props} shape={shape} height={height} pointOf={pointOf} />}
      </svg>
    </div>
  );
}

function near([ax, ay]: Point, [bx, by]: Point, aspect: number): boolean {
  return Math.hypot(ax - bx, (ay - by) / aspect) < CLOSING;
}

function placed([x, y]: Point, height: number): string {
  return `translate(${String(x * WIDTH)} ${String(y * height)})`;
}

function showCross(svg: SVGSVGElement | null, point: Point, height: number): void {
  svg?.querySelector('.board-cross')?.setAttribute('transform', placed(point, height));
}

/** How far a key moves what has the focus; undefined where it is no arrow. */
function arrowOf({ key, shiftKey }: KeyboardEvent): Point | undefined {
  const step = shiftKey ? FAR_STEP : STEP;
  switch (key) {
    case 'ArrowLeft':
      return [-step, 0];
    case 'ArrowRight':
      return [step, 0];
    case 'ArrowUp':
      return [0, -step];
    case 'ArrowDown':
      return [0, step];
    default:
      return undefined;
  }
}

function Outline(props: {
  shape: Shape;
  height: number;
  chosen: boolean;
  open: boolean;
  onChoose: (() => void) | undefined;
}): JSX.Element {
  const { shape, height, chosen, open, onChoose } = props;
  const points = shape.points.map(([x, y]) => `${String(x * WIDTH)},${String(y * height)}`).join(' ');
  const [x, y] = centreOf(shape);
  return (
    <g class="outline" data-kind={shape.kind} data-chosen={chosen ? '' : undefined} onClick={onChoose}>
      {open || shape.kind === 'line' ? <polyline points={points} /> : <polygon points={points} />}
      {shape.points.length > 1 && shape.kind !== 'mask' && (
        <text x={x * WIDTH} y={y * height}>
          {shape.name}
        </text>
      )}
    </g>
  );
}

interface CornersProps extends BoardProps {
  shape: Shape;
  height: number;
  pointOf: (at: PointerEvent) => Point;
}

function Corners(props: CornersProps): JSX.Element {
  const { shape, height, drawing, pointOf, onChange, onSettle } = props;
  const { zones: say } = words.value;
  const move = (index: number, event: PointerEvent & { currentTarget: SVGCircleElement }): void => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    onChange(withPoint(shape, index, pointOf(event)), true);
  };
  const cornerKey = (index: number, press: KeyboardEvent): void => {
    const [x, y] = shape.points[index] ?? [0, 0];
    const moved = arrowOf(press);
    if (moved !== undefined) onChange(withPoint(shape, index, [x + moved[0], y + moved[1]]), true);
    else if (press.key === 'Delete' || press.key === 'Backspace') onChange(withoutPoint(shape, index), false);
    else if (press.key === 'Insert')
      onChange(withInserted(shape, index + 1, middleAfter(shape, index)), false);
    else return;
    press.preventDefault();
    press.stopPropagation();
  };
  const edges = drawing || shape.points.length >= mostPoints[shape.kind] ? [] : shape.points;
  return (
    <g>
      {edges.map((_, index) => {
        const [x, y] = middleAfter(shape, index);
        return (
          <circle
            key={`edge${String(index)}`}
            class="edge"
            cx={x * WIDTH}
            cy={y * height}
            r={9}
            onPointerDown={(down) => {
              down.stopPropagation();
              onChange(withInserted(shape, index + 1, [x, y]), false);
            }}
          />
        );
      })}
      {shape.points.map((point, index) => (
        <circle
          key={`corner${String(index)}`}
          class="corner"
          cx={point[0] * WIDTH}
          cy={point[1] * height}
          r={13}
          tabindex={drawing ? -1 : 0}
          role="button"
          aria-label={say.corner(index + 1, percentText(point[0]), percentText(point[1]))}
          onPointerDown={(down) => {
            if (drawing) return;
            down.currentTarget.setPointerCapture(down.pointerId);
          }}
          onPointerMove={(event) => move(index, event)}
          onPointerUp={onSettle}
          onKeyDown={(press) => cornerKey(index, press)}
          onBlur={onSettle}
        />
      ))}
    </g>
  );
}
