import { cameraProfile } from '@faascam/core/camera-profile';
import { MalformedInputError } from '@faascam/core/errors';
import { cameraId } from '@faascam/core/ids';
import { parseMessage } from '@faascam/core/messages';
import { orAbsent } from '@faascam/core/nats-answers';
import { buckets } from '@faascam/core/subjects';
import { z } from 'zod';
import { jsonAnswer, NotFoundError } from '../answer.ts';
import type { NatsLink } from '../nats-link.ts';
import { InputError } from './input.ts';
import { nothingAsked, operation, type Operation } from './operation.ts';
import type { Parts } from './parts.ts';

const profileAnswer = cameraProfile.omit({ v: true }).meta({ id: 'CameraProfile' });
type ProfileAnswer = z.infer<typeof profileAnswer>;

/** How a camera's pictures are looked at, as its agent tells the functions; nothing of how the camera is reached. */
export function profileOperations({ nats }: Parts): Operation[] {
  return [
    operation({
      ...nothingAsked,
      id: 'getCameraProfile',
      method: 'GET',
      path: '/api/cameras/{camera}/profile',
      // Masks tell where nobody looks: not for everyone who may watch.
      needs: 'operator',
      summary:
        "A camera's masks, zones, lines and filters, and its own settings of motion and events, as faascam.yml has them.",
      params: z.object({ camera: cameraId }),
      answer: { status: 200, description: 'What counts now.', json: profileAnswer },
      run: async ({ asked, params: { camera } }) => jsonAnswer(asked, await profileIn(nats, camera)),
    }),
  ];
}

async function profileIn(nats: NatsLink, camera: string): Promise<ProfileAnswer> {
  const entry = await nats.asking(({ jsm }) =>
    orAbsent(
      jsm.streams.getMessage(`KV_${buckets.cameras}`, { last_by_subj: `$KV.${buckets.cameras}.${camera}` }),
    ),
  );
  if (entry === undefined || entry.data.length === 0)
    throw new NotFoundError(`No agent has told how camera ${camera} is to be looked at.`);
  try {
    return profileAnswer.parse(parseMessage(cameraProfile, entry.data, `The profile of camera ${camera}`));
  } catch (error) {
    if (!(error instanceof MalformedInputError)) throw error;
    throw new InputError(503, `${error.message}: bring the page to the version of the camera's agent.`);
  }
}
