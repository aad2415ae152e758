import { cameraOperations } from './cameras.ts';
import { eventOperations } from './events.ts';
import { liveOperations } from './live.ts';
import type { Operation } from './operation.ts';
import type { Parts } from './parts.ts';
import { pushOperations } from './push.ts';
import { statusOperations } from './status.ts';

/** All that the API can do, area by area: a new one is a file and a line here. */
export function operationsOf(parts: Parts): Operation[] {
  return [
    ...eventOperations(parts),
    ...cameraOperations(parts),
    ...pushOperations(parts),
    ...liveOperations(parts),
    ...statusOperations(parts),
  ];
}
