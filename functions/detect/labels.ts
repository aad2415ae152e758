import { UsageError } from '@faascam/core/errors';
import { coco80, coco91 } from './coco.ts';

/**
 * Names by class number. What a person said goes first (the list of models, a file beside the model), then what the
 * exporter wrote into the model, then COCO where the number of classes is its own; classes without a name are numbered.
 * Throws `UsageError` `model-labels` when a person named another number of classes than there are.
 */
export function labelsFor(
  path: string,
  said: readonly string[] | undefined,
  written: readonly string[] | undefined,
  classes: number | undefined,
): readonly string[] {
  if (said !== undefined && classes !== undefined && said.length !== classes) {
    throw new UsageError(
      'model-labels',
      `${said.length} labels are given for the model ${path}, which has ${classes} classes: give one label for each, in their order.`,
    );
  }
  const named = said ?? (written?.length === (classes ?? written?.length) ? written : undefined);
  if (named !== undefined) return named;
  if (classes === 91) return coco91;
  if (classes === 80 || classes === undefined) return coco80;
  return Array.from({ length: classes }, (_, classId) => labelOfNumber(classId));
}

export function labelOfNumber(classId: number): string {
  return `class ${classId}`;
}
