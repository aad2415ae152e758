import { listOf, number, optional, record, ShapeError, type Check } from '../shape.ts';
import type { Point, Shape } from './shapes.ts';

/** Between shapes and what faascam.yml has of them. All pure. */

const point: Check<Point> = (value, place) => {
  const [x, y, ...rest] = listOf(number)(value, place);
  if (x === undefined || y === undefined || rest.length > 0) throw new ShapeError(`${place} is no point.`);
  return [x, y];
};

const object: Check<Record<string, unknown>> = (value, place) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ShapeError(`${place} is not an object.`);
  }
  return { ...value };
};

/** The part of a camera's settings that is drawn. */
export const areasCheck = record({
  masks: optional(listOf(listOf(point))),
  zones: optional(object),
  lines: optional(object),
});

/** The shapes of a camera's settings. Throws `ShapeError` for what is not as the config has it. */
export function shapesOf(settings: unknown): Shape[] {
  const { masks = [], zones = {}, lines = {} } = areasCheck(settings, 'the settings');
  const shapes: Omit<Shape, 'key'>[] = [
    ...Object.entries(zones).map(([name, zone]) => {
      const { polygon, ...more } = object(zone, name);
      return { kind: 'zone' as const, name, points: listOf(point)(polygon, name), more };
    }),
    ...masks.map((points, index) => ({
      kind: 'mask' as const,
      ...{ name: `mask-${String(index + 1)}`, points, more: {} },
    })),
    ...Object.entries(lines).map(([name, line]) => {
      const { from, to, ...more } = object(line, name);
      return { kind: 'line' as const, name, points: [point(from, name), point(to, name)], more };
    }),
  ];
  return shapes.map((shape, key) => ({ ...shape, key }));
}

/** What a zone or line has anyway, and so need not be written. */
const usual: Readonly<Record<string, unknown>> = {
  ...{ required: false, inertia: 3, loiteringMs: 0, direction: 'both' },
};

/**
 * The text for a camera's section of faascam.yml, without indentation: all of masks, zones and lines, so that it
 * replaces what stands there.
 */
export function yamlOf(shapes: readonly Shape[]): string {
  const masks = shapes.filter(({ kind }) => kind === 'mask');
  const zones = shapes.filter(({ kind }) => kind === 'zone');
  const lines = shapes.filter(({ kind }) => kind === 'line');
  const text = [
    ...(masks.length === 0 ? ['masks: []'] : ['masks:', ...masks.map(({ points }) => `  - ${flow(points)}`)]),
    ...(zones.length === 0 ? ['zones: {}'] : ['zones:', ...zones.flatMap(zoneText)]),
    ...(lines.length === 0 ? ['lines: {}'] : ['lines:', ...lines.flatMap(lineText)]),
  ];
  return `${text.join('\n')}\n`;
}

function zoneText({ name, points, more }: Shape): string[] {
  return [`  ${keyText(name)}:`, `    polygon: ${flow(points)}`, ...moreText(more)];
}

function lineText({ name, points: [from = [0, 0], to = [1, 1]], more }: Shape): string[] {
  return [`  ${keyText(name)}:`, `    from: ${flow(from)}`, `    to: ${flow(to)}`, ...moreText(more)];
}

function moreText(more: Shape['more']): string[] {
  return Object.entries(more)
    .filter(([key, value]) => value !== undefined && value !== usual[key])
    .map(([key, value]) => `    ${key}: ${flow(value)}`);
}

/** JSON is YAML; with a space after each comma it is also read well. */
function flow(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(flow).join(', ')}]` : JSON.stringify(value);
}

/** A name of digits alone, or one that YAML means something else by, is quoted. */
function keyText(name: string): string {
  return /^[a-z][a-z0-9_-]*$/.test(name) && !/^(y|n|yes|no|on|off|true|false|null)$/.test(name)
    ? name
    : JSON.stringify(name);
}
