import { z } from 'zod';
import { jsonAnswer } from '../answer.ts';
import { documentOf } from './document.ts';
import { nothingAsked, operation, type Operation } from './operation.ts';

/** The operation that gives the document of these operations and of itself. */
export function documentOperation(operations: readonly Operation[]): Operation {
  let document: ReturnType<typeof documentOf> | undefined;
  const own: Operation = operation({
    ...nothingAsked,
    id: 'getDocument',
    method: 'GET',
    path: '/api/openapi.json',
    needs: 'public',
    summary: 'This document.',
    answer: {
      status: 200,
      description: 'The document, OpenAPI 3.1.',
      json: z.looseObject({ openapi: z.string() }),
    },
    run: ({ asked }) => {
      document ??= documentOf([...operations, own]);
      return Promise.resolve(jsonAnswer(asked, document));
    },
  });
  return own;
}
