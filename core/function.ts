/**
 * The handler contract of OpenFaaS's node templates: `export default async (event, context) => ...`.
 * A handler answers through `context.status(...).headers(...).succeed(body)`, or throws.
 * An error of class `MalformedInputError` means 400 (final), any other 500 (try again).
 */
export interface FunctionEvent {
  body: unknown;
  headers: Record<string, string | string[] | undefined>;
  method: string;
  query: Record<string, string | string[] | undefined>;
  path: string;
}

export interface FunctionContext {
  status(code?: number): FunctionContext;
  headers(values?: Record<string, string>): FunctionContext;
  /** Text, bytes or anything JSON holds; under our own template a Readable as well, for what is large. */
  succeed(value?: unknown): FunctionContext;
  fail(value?: unknown): FunctionContext;
}

export type FunctionHandler = (event: FunctionEvent, context: FunctionContext) => Promise<FunctionContext>;

/** What a function's module may export beside its handler; our own template calls these, the official one does not. */
export interface FunctionModule {
  default: FunctionHandler;
  /** Resolves once the function can serve (model loaded, NATS up); rejects with the reason why it cannot. */
  ready?: () => Promise<void>;
  /** Lets go of connections and temporary files, after the last call was answered. */
  close?: () => Promise<void>;
}

/** The body's bytes: a Buffer under our template and under the official one with RAW_BODY=true. */
export function bodyBytes(event: FunctionEvent): Buffer {
  const { body } = event;
  if (Buffer.isBuffer(body)) return body;
  if (body instanceof Uint8Array) return Buffer.from(body);
  if (typeof body === 'string') return Buffer.from(body);
  if (body === undefined || body === null) return Buffer.alloc(0);
  // The official template parses JSON bodies unless it is told not to.
  return Buffer.from(JSON.stringify(body));
}

/** A request header, by name in any case; undefined if absent or empty. */
export function headerOf(event: FunctionEvent, name: string): string | undefined {
  const value = event.headers[name.toLowerCase()];
  const first = Array.isArray(value) ? value[0] : value;
  return first === '' ? undefined : first;
}
