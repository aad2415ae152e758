import { z } from 'zod';
import type { Answer, Asked } from '../answer.ts';
import type { Identity, Needs } from './authorizer.ts';
import { bodyOf, paramsOf, queryOf } from './input.ts';
import type { FunctionEvent } from '@faascam/core/function';
import type { StillAllowed } from '../stream-guard.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What an operation gives when all is well. Every other answer is JSON with one sentence, as `errorAnswer` has it. */
export interface AnswerShape {
  status: number;
  /** One sentence for the API's document. */
  description: string;
  /** The JSON that it gives. */
  json?: z.ZodType;
  /** Or the content type of what else it gives. Without either: nothing. */
  media?: string;
  /** Further statuses that it may answer with, each with a sentence for the document; such as 206. */
  more?: Readonly<Record<number, string>>;
}

interface Described {
  /** Its name in the API's document, such as `listEvents`; unique. */
  id: string;
  method: Method;
  /** Below the function's address: `/api/events/{id}`. A parameter is a part of a path, or within one: `clip-{part}.mp4`. */
  path: string;
  needs: Needs;
  /** It leaves out what is of other cameras than `identity.cameras`. For operations without a camera or event in their path. */
  heedsCameras?: boolean;
  /** One sentence. */
  summary: string;
  /** Content type of the body; default JSON. The schema of any other gets its text. */
  bodyType?: string;
  /** The most that a body may have; default 16 kB. */
  bodyBytes?: number;
  answer: AnswerShape;
}

/** What `run` is given: all of it has been checked. */
export interface OperationRequest<P, Q, B> {
  asked: Asked;
  identity: Identity;
  /** Whether who asked may still do so, for what goes on after the answer. A stream in the answer is looked after already. */
  allowed: StillAllowed;
  params: P;
  query: Q;
  body: B;
}

export interface OperationText<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodType,
> extends Described {
  /** Of the path. */
  params: P;
  query: Q;
  /** `z.undefined()`: what is sent is ignored. */
  body: B;
  /** Does it. May throw `InputError`, `NotFoundError`, `StoreError` and `NatsAwayError`. */
  run(request: OperationRequest<z.output<P>, z.output<Q>, z.output<B>>): Promise<Answer>;
}

/** A call as it came, for the operation that its path and method lead to. */
export interface Call {
  asked: Asked;
  identity: Identity;
  allowed: StillAllowed;
  params: Record<string, string>;
  query: FunctionEvent['query'];
  body: Buffer;
}

/** One thing that the API can do, with all that its document says of it. */
export interface Operation extends Described {
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body: z.ZodType;
  readonly takesBody: boolean;
  /** Checks what came, and does it. Throws as `OperationText.run` does. */
  run(call: Call): Promise<Answer>;
}

/** For operations without parameters of some kind: spread it first. */
export const nothingAsked = { params: z.object({}), query: z.object({}), body: z.undefined() };

const BODY_BYTES = 16 * 1024;

/** An operation out of its description. Pure. */
export function operation<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType>(
  text: OperationText<P, Q, B>,
): Operation {
  const { bodyType: wanted = 'application/json', bodyBytes: maxBytes = BODY_BYTES } = text;
  const takesBody = !(text.body instanceof z.ZodUndefined);
  return {
    ...text,
    bodyType: wanted,
    bodyBytes: maxBytes,
    takesBody,
    run: async ({ asked, identity, allowed, params, query, body }) =>
      await text.run({
        asked,
        identity,
        allowed,
        params: paramsOf(text.params, params),
        query: queryOf(text.query, query),
        body: takesBody
          ? bodyOf(text.body, { bytes: body, type: asked.header('content-type'), wanted, maxBytes })
          : text.body.parse(undefined),
      }),
  };
}
