import type { Operation } from './operation.ts';

/** Where a path and method lead. `bad`: the path is not properly encoded. */
export type Match =
  | { kind: 'operation'; operation: Operation; params: Record<string, string> }
  /** There are only operations of these methods. */
  | { kind: 'other-method'; methods: string[] }
  | { kind: 'bad' }
  | { kind: 'unknown' };

interface Place {
  /** The path's parts between slashes, each a pattern with its parameters in groups. */
  parts: RegExp[];
  names: string[];
  /** Letters that are not a parameter's: of two places that match, the one with more of them counts. */
  letters: number;
  operations: Map<string, Operation>;
}

const PARAMETER = /\{([a-z][A-Za-z]*)\}/g;

/** The operations by path and method. Throws `TypeError` for two of one name, or of one path and method. */
export class OperationTable {
  readonly operations: readonly Operation[];
  readonly #places: Place[];

  constructor(operations: readonly Operation[]) {
    this.operations = operations;
    const places = new Map<string, Place>();
    const ids = new Set<string>();
    for (const operation of operations) {
      const place = places.get(operation.path) ?? placeOf(operation.path);
      if (ids.has(operation.id) || place.operations.has(operation.method)) {
        throw new TypeError(`two operations are ${operation.id}, or ${operation.method} ${operation.path}`);
      }
      ids.add(operation.id);
      place.operations.set(operation.method, operation);
      places.set(operation.path, place);
    }
    this.#places = [...places.values()].sort((a, b) => b.letters - a.letters);
  }

  /** `path` is below the function's address, with or without slashes around it. HEAD leads where GET does. */
  find(method: string, path: string): Match {
    let parts: string[];
    try {
      parts = path.replace(/^\/+/, '').replace(/\/$/, '').split('/').map(decodeURIComponent);
    } catch {
      return { kind: 'bad' };
    }
    for (const place of this.#places) {
      const params = paramsIn(place, parts);
      if (params === undefined) continue;
      const operation = place.operations.get(method === 'HEAD' ? 'GET' : method);
      if (operation !== undefined) return { kind: 'operation', operation, params };
      const methods = [...place.operations.keys()].flatMap((known) =>
        known === 'GET' ? ['GET', 'HEAD'] : [known],
      );
      return { kind: 'other-method', methods };
    }
    return { kind: 'unknown' };
  }
}

function placeOf(path: string): Place {
  const names = [...path.matchAll(PARAMETER)].map(([, name = '']) => name);
  const parts = path.split('/').slice(1);
  return {
    parts: parts.map((part) => {
      const literals = part.split(PARAMETER).filter((_, index) => index % 2 === 0);
      // What a parameter holds is anything, also what is no letter: its schema judges it.
      return new RegExp(`^${literals.map(escaped).join('([^]+)')}$`);
    }),
    names,
    letters: path.replaceAll(PARAMETER, '').length,
    operations: new Map(),
  };
}

function paramsIn(place: Place, parts: string[]): Record<string, string> | undefined {
  if (parts.length !== place.parts.length) return undefined;
  const values: string[] = [];
  for (const [index, pattern] of place.parts.entries()) {
    const found = pattern.exec(parts[index] ?? '');
    if (found === null) return undefined;
    values.push(...found.slice(1));
  }
  return Object.fromEntries(place.names.map((name, index) => [name, values[index] ?? '']));
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
