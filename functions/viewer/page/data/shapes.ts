/** Zones, masks and lines as they are drawn over a camera's picture. All pure. */

/** Fractions of the analysed picture, origin top left. */
export type Point = readonly [x: number, y: number];
export type ShapeKind = 'zone' | 'mask' | 'line';

export interface Shape {
  /** Tells shapes apart while they are drawn and renamed. */
  key: number;
  kind: ShapeKind;
  /** What the config calls it; masks have none. */
  name: string;
  points: readonly Point[];
  /** A zone's and a line's further settings, as the config has them. */
  more: Readonly<Record<string, unknown>>;
}

/** Corners that a shape needs, and may have. */
export const leastPoints: Readonly<Record<ShapeKind, number>> = { zone: 3, mask: 3, line: 2 };
export const mostPoints: Readonly<Record<ShapeKind, number>> = { zone: 64, mask: 64, line: 2 };

/** Three digits are a third of a picture's pixel row, and stay readable. */
export function rounded(value: number): number {
  return Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000;
}

export function withPoint(shape: Shape, index: number, [x, y]: Point): Shape {
  const point: Point = [rounded(x), rounded(y)];
  return { ...shape, points: shape.points.map((each, at) => (at === index ? point : each)) };
}

/** With a further corner before the one at `index`; unchanged if it has all that it may have. */
export function withInserted(shape: Shape, index: number, [x, y]: Point): Shape {
  if (shape.points.length >= mostPoints[shape.kind]) return shape;
  return { ...shape, points: shape.points.toSpliced(index, 0, [rounded(x), rounded(y)]) };
}

/** Without the corner; unchanged where it needs every one. */
export function withoutPoint(shape: Shape, index: number): Shape {
  if (shape.points.length <= leastPoints[shape.kind]) return shape;
  return { ...shape, points: shape.points.toSpliced(index, 1) };
}

/** The middle of the edge that begins at a corner. */
export function middleAfter({ points }: Shape, index: number): Point {
  const [ax = 0, ay = 0] = points[index] ?? [];
  const [bx = 0, by = 0] = points[(index + 1) % points.length] ?? [];
  return [(ax + bx) / 2, (ay + by) / 2];
}

/** A name that none of the shapes has: zone-1, zone-2 ... */
export function freshName(kind: ShapeKind, shapes: readonly Shape[]): string {
  const taken = new Set(shapes.map(({ name }) => name));
  for (let number = 1; ; number += 1) {
    const name = `${kind}-${String(number)}`;
    if (!taken.has(name)) return name;
  }
}

export type ShapeFault = 'too-few' | 'crosses' | 'bad-name' | 'twice';

/** Why the config would refuse the shape or mean something else by it than one sees; undefined if it is well. */
export function faultOf(shape: Shape, shapes: readonly Shape[]): ShapeFault | undefined {
  if (shape.points.length < leastPoints[shape.kind]) return 'too-few';
  if (shape.kind !== 'mask') {
    if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(shape.name)) return 'bad-name';
    const same = shapes.filter(({ kind, name }) => kind === shape.kind && name === shape.name);
    if (same.length > 1) return 'twice';
  }
  return shape.kind !== 'line' && crossesItself(shape.points) ? 'crosses' : undefined;
}

/** Whether two edges that do not meet at a corner cross. */
export function crossesItself(points: readonly Point[]): boolean {
  const edges = points.map((from, index) => [from, points[(index + 1) % points.length] ?? from] as const);
  return edges.some(([a, b], one) =>
    edges.some(([c, d], other) => {
      const apart = Math.abs(one - other);
      return apart > 1 && apart < edges.length - 1 && cross(a, b, c, d);
    }),
  );
}

/** Whether the segments ab and cd cross: each has the other's ends on different sides. */
function cross(a: Point, b: Point, c: Point, d: Point): boolean {
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}

function side([ax, ay]: Point, [bx, by]: Point, [px, py]: Point): number {
  return Math.sign((bx - ax) * (py - ay) - (by - ay) * (px - ax));
}

/** Where a shape's name is written. */
export function centreOf({ points }: Shape): Point {
  const sum = points.reduce<Point>(([sx, sy], [x, y]) => [sx + x, sy + y], [0, 0]);
  const count = Math.max(1, points.length);
  return [sum[0] / count, sum[1] / count];
}
