import { computed, signal } from '@preact/signals';
import { forgetValue, keepValue, keptValue } from '../words/words.ts';
import { shapesOf, yamlOf } from './shapes-config.ts';
import type { Shape } from './shapes.ts';

const MOST_STEPS = 200;

/** What is drawn over one camera's picture, with every step back and on again. It is kept in this browser. */
export class Drawing {
  readonly #key: string;
  readonly #steps = signal<readonly (readonly Shape[])[]>([[]]);
  readonly #at = signal(0);
  readonly shapes = computed<readonly Shape[]>(() => this.#steps.value[this.#at.value] ?? []);
  readonly canUndo = computed(() => this.#at.value > 0);
  readonly canRedo = computed(() => this.#at.value < this.#steps.value.length - 1);
  /** As the config has it, as far as that is known. */
  readonly present = signal<readonly Shape[] | undefined>(undefined);
  readonly differs = computed(
    () => this.present.value === undefined || yamlOf(this.shapes.value) !== yamlOf(this.present.value),
  );
  #nextKey = 1;
  #moving = false;
  /** What is drawn is kept here: it is not in the config, as far as is known. */
  #kept = false;

  constructor(camera: string) {
    this.#key = `faascam.zones.${camera}`;
    const kept = shapesIn(keptValue(this.#key));
    if (kept === undefined) return;
    this.#kept = true;
    this.#begin(kept);
  }

  newKey(): number {
    this.#nextKey += 1;
    return this.#nextKey;
  }

  /**
   * Takes what the config has, as often as it is told. What was drawn here and is not in it stays; what has come into it need
   * not be kept here any more. A shape that was there before keeps its key, by which one may have chosen it.
   */
  takePresent(told: readonly Shape[]): void {
    const known = this.present.value;
    if (known !== undefined && yamlOf(known) === yamlOf(told)) return;
    const shapes = this.#keyed(told);
    this.present.value = shapes;
    if (!this.differs.value) this.#forget();
    else if (!this.#kept) this.#begin(shapes);
  }

  /** One step. Steps of one movement (`moving`) are one to take back, until `settle`. */
  change(shapes: readonly Shape[], moving = false): void {
    const kept = this.#steps.value.slice(0, this.#at.value + (this.#moving ? 0 : 1));
    const steps = [...kept, shapes].slice(-MOST_STEPS);
    this.#steps.value = steps;
    this.#at.value = steps.length - 1;
    this.#moving = moving;
    this.#keep();
  }

  settle(): void {
    this.#moving = false;
  }

  undo(): void {
    this.#go(-1);
  }

  redo(): void {
    this.#go(1);
  }

  /** Back to what the config has; a step as any other. */
  reset(): void {
    this.change(this.present.value ?? []);
  }

  #go(step: -1 | 1): void {
    this.#moving = false;
    this.#at.value = Math.min(this.#steps.value.length - 1, Math.max(0, this.#at.value + step));
    this.#keep();
  }

  #keyed(told: readonly Shape[]): Shape[] {
    const keys = new Map(this.shapes.value.map((shape) => [identityOf(shape), shape.key]));
    return told.map((shape) => {
      const identity = identityOf(shape);
      const key = keys.get(identity) ?? this.newKey();
      // Each of two that are alike is one of its own.
      keys.delete(identity);
      return { ...shape, key };
    });
  }

  #begin(shapes: readonly Shape[]): void {
    this.#steps.value = [shapes];
    this.#at.value = 0;
    this.#nextKey = Math.max(this.#nextKey, ...shapes.map(({ key }) => key));
  }

  #forget(): void {
    this.#kept = false;
    forgetValue(this.#key);
  }

  #keep(): void {
    if (!this.differs.value) {
      this.#forget();
      return;
    }
    this.#kept = true;
    const shapes = this.shapes.value;
    const of = (kind: Shape['kind']): Shape[] => shapes.filter((shape) => shape.kind === kind);
    const named = (list: Shape[], value: (shape: Shape) => object): Record<string, unknown> =>
      Object.fromEntries(list.map((shape) => [shape.name, { ...value(shape), ...shape.more }]));
    keepValue(
      this.#key,
      JSON.stringify({
        masks: of('mask').map(({ points }) => points),
        zones: named(of('zone'), ({ points }) => ({ polygon: points })),
        lines: named(of('line'), ({ points: [from, to] }) => ({ from, to })),
      }),
    );
  }
}

/** By what a shape of the config is the same as one before: masks have no name there, but are numbered as they come. */
function identityOf({ kind, name, points }: Shape): string {
  return kind === 'mask' ? JSON.stringify([kind, points]) : JSON.stringify([kind, name]);
}

function shapesIn(kept: string | undefined): Shape[] | undefined {
  if (kept === undefined) return undefined;
  try {
    return shapesOf(JSON.parse(kept));
  } catch {
    // Half drawn, or of another version: it begins anew.
    return undefined;
  }
}
