import { z } from 'zod';

/** `[x, y]` as fractions of the analysed picture (0..1), origin top left. */
export const point = z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)]);
export type Point = z.infer<typeof point>;

/** A closed outline; the last corner is joined to the first. */
export const polygon = z
  .array(point)
  .min(3, { error: 'needs at least three corners' })
  .max(64, { error: 'has more than 64 corners' });
export type Polygon = z.infer<typeof polygon>;

/** Whether a point lies in a polygon: an odd number of its edges is to the right of it (Shimrat, CACM 5:8, 1962). */
export function isInside([x, y]: Point, polygon: Polygon): boolean {
  let inside = false;
  let before = polygon.at(-1);
  for (const corner of polygon) {
    if (before !== undefined && corner[1] > y !== before[1] > y) {
      const across = corner[0] + ((y - corner[1]) / (before[1] - corner[1])) * (before[0] - corner[0]);
      if (x < across) inside = !inside;
    }
    before = corner;
  }
  return inside;
}

const areaName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, { error: 'must be a-z, 0-9, _ and -, at most 63' });

export const zone = z.strictObject({
  polygon: polygon.describe('Its corners as fractions of the analysed picture: [x, y], origin top left.'),
  labels: z.array(z.string()).optional().describe('Objects that count in it. Default: all that make events.'),
  inertia: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(3)
    .describe('Frames one after the other in it before an object has entered it.'),
  loiteringMs: z
    .number()
    .int()
    .min(0)
    .max(3_600_000)
    .default(0)
    .describe('For how long an object must be in it before it counts.'),
  required: z
    .boolean()
    .default(false)
    .describe('With at least one such zone, only objects that entered one of them make events.'),
});
export type Zone = z.infer<typeof zone>;

export const line = z.strictObject({
  from: point.describe('One end.'),
  to: point.describe('The other end.'),
  direction: z
    .enum(['both', 'left-to-right', 'right-to-left'])
    .default('both')
    .describe('Which crossings count, for someone who stands at `from` and looks towards `to`.'),
  labels: z.array(z.string()).optional().describe('Objects that count at it. Default: all that make events.'),
});
export type Line = z.infer<typeof line>;

export const objectFilter = z.strictObject({
  minScore: z.number().min(0).max(1).optional().describe('A single sight with less is not looked at.'),
  minMedianScore: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("What the median of an object's scores must reach."),
  minArea: z.number().min(0).max(1).optional().describe("Smallest box, as a fraction of the picture's area."),
  maxArea: z.number().min(0).max(1).optional().describe('Largest box, likewise.'),
  minRatio: z
    .number()
    .positive()
    .optional()
    .describe("Narrowest box: its width over its height, in the picture's pixels."),
  maxRatio: z.number().positive().optional().describe('Widest box, likewise.'),
});
export type ObjectFilter = z.infer<typeof objectFilter>;

/**
 * A section of settings in which every key may be left out and has no default: what one camera has of its own. Its
 * values are checked here, and get their type when they are put over the section's own.
 */
export function overridesOf(section: z.ZodPrefault<z.ZodObject>): z.ZodType<Record<string, unknown>> {
  const fields: Record<string, z.ZodType> = {};
  for (const [key, field] of Object.entries<z.core.$ZodType>(section.unwrap().shape)) {
    if (!(field instanceof z.ZodType)) continue;
    const own: z.core.$ZodType = field instanceof z.ZodDefault ? field.unwrap() : field;
    if (own instanceof z.ZodType) fields[key] = own.optional().describe(field.description ?? '');
  }
  return z.strictObject(fields);
}

/** The analysis of one camera's pictures, as its settings and its profile have it. */
export const areaSettings = {
  masks: z
    .array(polygon)
    .default([])
    .describe(
      'Parts of the picture in which motion does not count, such as a flag or a road: polygons of [x, y].',
    ),
  zones: z
    .record(areaName, zone)
    .default({})
    .describe('Named parts of the picture. An object is where the middle of the lower edge of its box is.'),
  lines: z
    .record(areaName, line)
    .default({})
    .describe('Named lines; an event tells which of them its objects crossed.'),
  objects: z.record(z.string(), objectFilter).default({}).describe('What an object of a label must be like.'),
} as const;
