import { StoreError } from '@faascam/core/errors';
import { software } from '@faascam/core/version';
import { jsonAnswer } from '../answer.ts';
import { nothingAsked, operation, type Operation } from './operation.ts';
import type { Parts } from './parts.ts';
import { statusAnswer, type StatusAnswer } from './status-schema.ts';

export function statusOperations(parts: Parts): Operation[] {
  return [
    operation({
      ...nothingAsked,
      id: 'getStatus',
      method: 'GET',
      path: '/api/status',
      needs: 'viewer',
      heedsCameras: true,
      summary: 'What the viewer is connected to, and the choices for filters.',
      answer: { status: 200, description: 'The state of the viewer.', json: statusAnswer },
      run: async ({ asked, identity }) => jsonAnswer(asked, await statusOf(parts, identity.cameras)),
    }),
  ];
}

async function statusOf(
  { store, index, nats }: Parts,
  among: readonly string[] | undefined,
): Promise<StatusAnswer> {
  let cameras: string[] = [];
  let notice: string | undefined;
  try {
    cameras = (await index.cameras()).filter((camera) => among?.includes(camera) ?? true);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    notice = error.message;
  }
  return {
    software,
    node: process.version,
    store: { description: store.description, notice },
    messaging: { connected: nats.connected, notice: nats.notice },
    events: index.counts(among),
    cameras,
    labels: index.labels(among),
    zones: index.zones(among),
  };
}
