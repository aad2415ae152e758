import type { CameraStates } from '@faascam/core/camera-state';
import type { Clock } from '@faascam/core/clock';
import { MalformedInputError } from '@faascam/core/errors';
import type { FunctionMessaging } from '@faascam/core/function-messaging';
import { agentHealth, parseMessage, type AgentHealth } from '@faascam/core/messages';
import { orAbsent } from '@faascam/core/nats-answers';
import { buckets, headers, streams, subjects } from '@faascam/core/subjects';
import { onlineCameras } from './mqtt/availability.ts';
import type { Site } from './mqtt/bridge.ts';
import { decodeNotices, type Visit } from './visits.ts';

/** A picture of so long before or after an event was seen shows something else, or nobody any more. */
const PICTURE_WITHIN_US = 3_000_000;

/** What notifications need of NATS beside their messages. */
export class NatsSite implements Site {
  readonly #messaging: FunctionMessaging;
  readonly #states: CameraStates;
  readonly #clock: Clock;

  constructor(messaging: FunctionMessaging, states: CameraStates, clock: Clock) {
    this.#messaging = messaging;
    this.#states = states;
    this.#clock = clock;
  }

  async online(): Promise<Map<string, boolean>> {
    const healths = (await this.#lastOfEach(buckets.agents)).flatMap(({ data }): AgentHealth[] => {
      try {
        return [parseMessage(agentHealth, data, "An agent's health")];
      } catch (error) {
        if (error instanceof MalformedInputError) return [];
        throw error;
      }
    });
    return onlineCameras(healths, this.#clock.nowUs());
  }

  async remembered(): Promise<string[]> {
    return (await this.#states.keys()).filter((key) => !key.includes('/') && key !== 'vapid');
  }

  async visits(camera: string): Promise<readonly Visit[]> {
    return await this.#states.update(camera, (bytes) => ({ result: decodeNotices(bytes, camera).visits }));
  }

  /** The camera's newest frame, if it is of that time. */
  async picture(
    camera: string,
    { startUs, endUs }: Pick<Visit, 'startUs' | 'endUs'>,
  ): Promise<Buffer | undefined> {
    const { jsm } = await this.#messaging.get();
    const message = await orAbsent(
      jsm.streams.getMessage(streams.frames, { last_by_subj: subjects.frames(camera) }),
    );
    if (message === undefined || message.data.length === 0) return undefined;
    const atUs = Number(message.header.get(headers.capturedAt));
    const fits = atUs >= startUs - PICTURE_WITHIN_US && atUs <= endUs + PICTURE_WITHIN_US;
    return fits ? Buffer.from(message.data) : undefined;
  }

  async #lastOfEach(bucket: string): Promise<{ data: Uint8Array }[]> {
    const { jsm } = await this.#messaging.get();
    const info = await orAbsent(jsm.streams.info(`KV_${bucket}`, { subjects_filter: `$KV.${bucket}.>` }));
    const subjectsThere = Object.keys(info?.state.subjects ?? {});
    const all = await Promise.all(
      subjectsThere.map((subject) =>
        orAbsent(jsm.streams.getMessage(`KV_${bucket}`, { last_by_subj: subject })),
      ),
    );
    return all.flatMap((message) => (message === undefined || message.data.length === 0 ? [] : [message]));
  }
}
