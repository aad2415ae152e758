import { cameraOperations } from './cameras.ts';
import { eventOperations } from './events.ts';
import { documentOperation } from './openapi.ts';
import type { Operation } from './operation.ts';
import type { Parts } from './parts.ts';
import { statusOperations } from './status.ts';

/** All that the API can do, area by area: a new one is a file and a line here. */
export function operationsOf(parts: Parts): Operation[] {
  const operations = [...eventOperations(parts), ...cameraOperations(parts), ...statusOperations(parts)];
  return [...operations, documentOperation(operations)];
}
