import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { FaascamError, messageOf, systemCodeOf, UsageError } from '@faascam/core/errors';
import { coco80 } from './coco.ts';

/** An entry of `models.json`. */
const catalogueEntry = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
    title: z.string().min(1),
    /** Where it is downloaded from; null is bundled, and lies beside `models.json`. */
    address: z.url({ protocol: /^https?$/ }).nullable(),
    file: z.string().regex(/^[\w.-]+\.onnx$/),
    sizeBytes: z.number().int().positive(),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
    /** Where only the start of the digest is known for certain. The first download's whole digest is then kept. */
    sha256Prefix: z
      .string()
      .regex(/^[0-9a-f]{8,63}$/)
      .optional(),
    licence: z.string().min(1),
    /** Output layout, see `layout.ts`. */
    family: z.enum(['yolox', 'yolov5', 'yolov8', 'end-to-end', 'detr']),
    input: z.strictObject({
      width: z.number().int().positive(),
      height: z.number().int().positive(),
      colours: z.enum(['bgr', 'rgb']),
      /** What a full colour channel is in the input. */
      white: z.union([z.literal(1), z.literal(255)]),
      letterbox: z.enum(['top-left', 'centre', 'stretch']),
      padding: z.number().int().min(0).max(255),
    }),
    labels: z.union([z.literal('coco80'), z.array(z.string().min(1)).min(1)]),
    /** Trained on the demo's own scene only, and called a demo model wherever it shows. */
    demo: z.boolean(),
  })
  .refine(({ sha256, sha256Prefix }) => sha256 !== undefined || sha256Prefix !== undefined, {
    error: 'needs sha256 or sha256Prefix',
  });
export type CatalogueEntry = z.infer<typeof catalogueEntry>;

const catalogueFile = z.strictObject({ models: z.array(catalogueEntry).min(1) });

export interface Catalogue {
  /** The folder of `models.json` and of the bundled models. */
  directory: string;
  entries: readonly CatalogueEntry[];
}

/**
 * The known models: from the file or folder that environment variable FAASCAM_MODELS names, else from the nearest
 * `models/models.json` in a folder above this file. Throws `FaascamError` `models-json` when there is none or it is wrong.
 */
export async function readCatalogue(env = process.env): Promise<Catalogue> {
  const path = await cataloguePath(env['FAASCAM_MODELS'] ?? '');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new FaascamError('models-json', `The list of models ${path} cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
  try {
    return { directory: dirname(path), entries: catalogueFile.parse(JSON.parse(text)).models };
  } catch (cause) {
    const reason =
      cause instanceof z.ZodError
        ? cause.issues.map(({ path: key, message }) => `${key.join('.')}: ${message}`).join('; ')
        : messageOf(cause);
    throw new FaascamError('models-json', `The list of models ${path} is not valid: ${reason}`, { cause });
  }
}

async function cataloguePath(asked: string): Promise<string> {
  if (asked !== '') return (await isFolder(asked)) ? join(asked, 'models.json') : resolve(asked);
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const path = join(folder, 'models', 'models.json');
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) break;
  }
  throw new FaascamError(
    'models-json',
    'The list of models (models/models.json) is missing from this installation: install faascam again, or name its folder in FAASCAM_MODELS.',
  );
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** The entry of that name. Throws `UsageError` `model-unknown` that lists the names there are. */
export function entryOf({ entries }: Catalogue, name: string): CatalogueEntry {
  const entry = entries.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  const names = entries.map((candidate) => candidate.name).join(', ');
  throw new UsageError(
    'model-unknown',
    `There is no model "${name}": choose one of ${names}, or give the path of an ONNX file.`,
  );
}

export function labelsOf({ labels }: CatalogueEntry): readonly string[] {
  return labels === 'coco80' ? coco80 : labels;
}

/** Where an entry's file is, or will be once it is downloaded. One that lies beside `models.json` came with an image. */
export function fileOf(catalogue: Catalogue, entry: CatalogueEntry, modelDirectory: string): string {
  const beside = join(catalogue.directory, entry.file);
  return entry.address === null || existsSync(beside) ? beside : join(modelDirectory, entry.file);
}
