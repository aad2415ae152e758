import { boxOperations } from './boxes.ts';
import { cameraOperations } from './cameras.ts';
import { eventOperations } from './events.ts';
import { liveOperations } from './live.ts';
import { exportOperations } from './exports.ts';
import { keepingOperations } from './keeping.ts';
import { motionOperations } from './motion.ts';
import type { Operation } from './operation.ts';
import type { Parts } from './parts.ts';
import { profileOperations } from './profile.ts';
import { pushOperations } from './push.ts';
import { sharingOperations } from './sharing.ts';
import { statusOperations } from './status.ts';
import { streamOperations } from './stream.ts';

/** All that the API can do, area by area: a new one is a file and a line here. */
export function operationsOf(parts: Parts): Operation[] {
  return [
    ...eventOperations(parts),
    ...keepingOperations(parts),
    ...sharingOperations(parts),
    ...cameraOperations(parts),
    ...profileOperations(parts),
    ...motionOperations(parts),
    ...boxOperations(parts),
    ...exportOperations(parts),
    ...pushOperations(parts),
    ...liveOperations(parts),
    ...streamOperations(parts),
    ...statusOperations(parts),
  ];
}
