import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { FaascamError, messageOf, systemCodeOf, UsageError } from '@faascam/core/errors';
import { coco80 } from '@faascam/detect/coco';
import { z } from 'zod';

/** Something that is there to see for a while; times in ms from the start of the recording. */
export interface Visit {
  label: string;
  startMs: number;
  endMs: number;
  /** How many of the label are in the picture at the same time at most. */
  atOnce: number;
}

/** Frame by frame truth becomes visits like this: pauses up to it belong to a visit. */
const PAUSE_MS = 2000;
/** What was seen more briefly or never this surely is no visit that an event must tell of. */
const SHORTEST_MS = 500;
const SURE_SCORE = 0.6;
/** An object of a frame that scores less is not there. */
const PRESENT_SCORE = 0.4;

const truthJson = z.object({
  v: z.literal(1),
  visits: z.array(
    z.object({
      label: z.string().min(1),
      startMs: z.number().min(0),
      endMs: z.number().min(0),
      atOnce: z.number().int().positive().default(1),
    }),
  ),
});

/**
 * What is truly in a recording, from one of three forms, told apart by their beginning: JSON
 * `{"v":1,"visits":[{"label","startMs","endMs"}]}`; CSV `label,start_s,end_s`, a visit a line; CSV
 * `frame,time_s,n,dets(class:score:x y w h)`, the objects of each frame, COCO class numbers or labels, several with `;`.
 * Throws `UsageError` `bad-truth` that names the line, `FaascamError` `no-truth` for a file that cannot be read.
 */
export async function readTruth(path: string): Promise<Visit[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const why = systemCodeOf(cause) === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw new FaascamError('no-truth', `The ground truth ${path} ${why}: check the path.`, { cause });
  }
  return truthOf(text, basename(path));
}

/** The same from a file's text. `name` is the file's, for errors. */
export function truthOf(text: string, name: string): Visit[] {
  if (text.trimStart().startsWith('{')) return jsonTruth(text, name);
  const [header = '', ...lines] = text.split(/\r?\n/);
  const rows = lines.flatMap((line, index) => (line.trim() === '' ? [] : [{ line, number: index + 2 }]));
  if (/^label,start_s,end_s/.test(header)) return rows.map((row) => visitLine(row, name));
  if (/^frame,time_s,/.test(header)) return visitsOf(rows.map((row) => frameLine(row, name)));
  throw bad(
    name,
    1,
    'its first line is neither `label,start_s,end_s` nor `frame,time_s,n,dets`, nor is it JSON',
  );
}

function jsonTruth(text: string, name: string): Visit[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UsageError('bad-truth', `The ground truth ${name} is not JSON: ${messageOf(cause)}`, { cause });
  }
  const parsed = truthJson.safeParse(value);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    const where = first === undefined ? '' : ` at ${first.path.join('.')}: ${first.message}`;
    throw new UsageError('bad-truth', `The ground truth ${name} is malformed${where}`, {
      cause: parsed.error,
    });
  }
  for (const [index, { startMs, endMs }] of parsed.data.visits.entries())
    if (endMs <= startMs) throw bad(name, index + 1, 'the visit ends before it begins', 'visit');
  return parsed.data.visits;
}

interface Row {
  line: string;
  number: number;
}

function visitLine({ line, number }: Row, name: string): Visit {
  const [label = '', start = '', end = ''] = line.split(',').map((cell) => cell.trim());
  const [startMs, endMs] = [start, end].map((cell) => (cell === '' ? NaN : 1000 * Number(cell)));
  if (label === '' || startMs === undefined || endMs === undefined || !(startMs >= 0) || !(endMs > startMs))
    throw bad(name, number, 'a visit is `label,start,end` in seconds, and ends after its start');
  return { label, startMs, endMs, atOnce: 1 };
}

interface TrueFrame {
  timeMs: number;
  objects: { label: string; score: number }[];
}

function frameLine({ line, number }: Row, name: string): TrueFrame {
  const [, time = '', , ...rest] = line.split(',');
  const timeMs = 1000 * Number(time);
  if (time.trim() === '' || !(timeMs >= 0))
    throw bad(name, number, 'the second column is no time in seconds');
  const objects = rest
    .join(',')
    .split(';')
    .filter((cell) => cell.trim() !== '')
    .map((cell) => {
      const [kind = '', score = ''] = cell.trim().split(':');
      const label = /^\d+$/.test(kind) ? coco80[Number(kind)] : kind;
      if (label === undefined || label === '' || score === '' || !(Number(score) >= 0))
        throw bad(name, number, 'an object is `class:score:x y w h`');
      return { label, score: Number(score) };
    });
  return { timeMs, objects };
}

/** Visits out of the objects of each frame, label by label. */
function visitsOf(frames: readonly TrueFrame[]): Visit[] {
  const labels = new Set(frames.flatMap(({ objects }) => objects.map(({ label }) => label)));
  const visits: (Visit & { best: number })[] = [];
  for (const label of labels) {
    let open: (Visit & { best: number }) | undefined;
    for (const { timeMs, objects } of frames) {
      const here = objects.filter((each) => each.label === label && each.score >= PRESENT_SCORE);
      if (here.length === 0) continue;
      if (open === undefined || timeMs - open.endMs > PAUSE_MS) {
        open = { label, startMs: timeMs, endMs: timeMs, atOnce: 0, best: 0 };
        visits.push(open);
      }
      open.endMs = timeMs;
      open.atOnce = Math.max(open.atOnce, here.length);
      open.best = Math.max(open.best, ...here.map(({ score }) => score));
    }
  }
  return visits
    .filter(({ startMs, endMs, best }) => endMs - startMs >= SHORTEST_MS && best >= SURE_SCORE)
    .map(({ label, startMs, endMs, atOnce }) => ({ label, startMs, endMs, atOnce }))
    .sort((a, b) => a.startMs - b.startMs);
}

function bad(name: string, number: number, what: string, unit = 'line'): UsageError {
  return new UsageError('bad-truth', `The ground truth ${name} is wrong in ${unit} ${number}: ${what}.`);
}
