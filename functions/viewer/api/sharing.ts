import { eventId, eventKey, type EventObject } from '@faascam/core/ids';
import { placeOf } from '@faascam/core/event-order';
import { isoTime } from '@faascam/core/clock';
import { timeUs } from '@faascam/core/messages';
import { readReceipt } from '@faascam/core/read-object';
import { z } from 'zod';
import { NotFoundError, type Answer, type Asked } from '../answer.ts';
import { clipViewsOf } from '../event-view.ts';
import { sharedOf, shareTokenOf, type Shared } from '../share-link.ts';
import { objectAnswer, partNumber, shownObjects } from '../stored-object.ts';
import { clipView } from './event-schema.ts';
import { ELSEWHERE } from './events.ts';
import { InputError } from './input.ts';
import { nothingAsked, operation, type Operation } from './operation.ts';
import type { Parts } from './parts.ts';

const HOURS = 24 * 30;
const url = z.string().describe('Relative to the address of the page.');

const shareAnswer = z
  .object({ id: eventId, expiresUs: timeUs, urls: z.object({ event: url, clip: url, snapshot: url }) })
  .meta({ id: 'Share' });

const sharedAnswer = z
  .object({
    camera: z.string(),
    startUs: timeUs,
    startIso: z.string(),
    expiresUs: timeUs,
    clips: z.array(clipView),
    urls: z.object({ clip: url, snapshot: url }),
  })
  .meta({ id: 'Shared' });

const shared: ReadonlySet<EventObject> = new Set<EventObject>(['clip.mp4', 'clip-h264.mp4', 'snapshot.jpg']);

/** Links that show one event to whoever has them, without a login, until they expire. */
export function sharingOperations({ store, clock, shareSecret }: Parts): Operation[] {
  const byToken = {
    ...nothingAsked,
    method: 'GET',
    needs: 'public',
    params: z.object({ token: z.string() }),
  } as const;
  const opened = async (token: string): Promise<Shared> => {
    const shared = sharedOf(token, await shareSecret());
    if (shared === undefined)
      throw new NotFoundError('There is no such link: copy it whole, or ask for a new one.');
    if (shared.expiresS * 1_000_000 <= clock.nowUs())
      throw new InputError(410, 'This link has expired: ask for a new one.');
    return shared;
  };
  const given = async (
    asked: Asked,
    token: string,
    name: EventObject,
    download: boolean,
  ): Promise<Answer> => {
    const { id, expiresS } = await opened(token);
    const leftS = Math.max(0, Math.floor(expiresS - clock.nowUs() / 1e6));
    const answer = await objectAnswer(store, asked, id, name, { download, leftS });
    if (answer.status === 307) return answer;
    // No browser shows it for longer than the link does.
    return {
      ...answer,
      headers: { ...answer.headers, 'Cache-Control': `private, max-age=${Math.min(3600, leftS)}` },
    };
  };
  return [
    operation({
      ...nothingAsked,
      id: 'shareEvent',
      method: 'POST',
      path: '/api/events/{id}/share',
      needs: 'operator',
      summary: 'Makes a link that shows clip and snapshot of this event to whoever has it, until it expires.',
      params: z.object({ id: eventId }),
      body: z.strictObject({
        hours: z
          .number()
          .positive()
          .max(HOURS)
          .default(24 * 7)
          .describe('For how long; 30 days at most.'),
      }),
      answer: { status: 201, description: 'The link.', json: shareAnswer },
      run: async ({ params: { id }, body }) => {
        if ((await store.head(eventKey(id, 'event.json'))) === undefined)
          throw new NotFoundError(`There is no event ${id} in the store.`);
        const expiresS = Math.floor(clock.nowUs() / 1e6 + body.hours * 3600);
        const base = `api/shared/${shareTokenOf({ id, expiresS }, await shareSecret())}`;
        return created({
          ...{ id, expiresUs: expiresS * 1_000_000 },
          urls: { event: base, clip: `${base}/clip.mp4`, snapshot: `${base}/snapshot.jpg` },
        } satisfies z.infer<typeof shareAnswer>);
      },
    }),
    operation({
      ...byToken,
      id: 'getShared',
      path: '/api/shared/{token}',
      summary: 'What a link shows.',
      answer: {
        status: 200,
        description: 'The event.',
        json: sharedAnswer,
        more: { 410: 'It has expired.' },
      },
      run: async ({ params: { token } }) => {
        const { id, expiresS } = await opened(token);
        const place = placeOf(id);
        const receipt = place === undefined ? undefined : await readReceipt(store, id);
        if (place === undefined || receipt === undefined)
          throw new NotFoundError('The event of this link is not there any more.');
        const { camera, startUs } = place;
        const base = `api/shared/${token}`;
        return {
          ...created({
            ...{ camera, startUs, startIso: isoTime(startUs), expiresUs: expiresS * 1_000_000 },
            clips: clipViewsOf(receipt, base),
            urls: { clip: `${base}/clip.mp4`, snapshot: `${base}/snapshot.jpg` },
          } satisfies z.infer<typeof sharedAnswer>),
          status: 200,
        };
      },
    }),
    ...shownObjects
      .filter(({ name }) => shared.has(name))
      .flatMap((object) => {
        const { name, type, partName } = object;
        const about = {
          ...byToken,
          query: z.object({ download: z.boolean().default(false) }),
          answer: {
            ...{ status: 200, description: 'It, whole.', media: type },
            more: {
              206: 'The part that the Range header asks for.',
              ...(type === 'video/mp4' ? { 307: ELSEWHERE } : {}),
              410: 'The link has expired.',
            },
          },
        };
        const whole = operation({
          ...about,
          id: `getShared-${name}`,
          path: `/api/shared/{token}/${name}`,
          summary: `The ${name} that a link shows.`,
          run: async ({ asked, params, query }) => await given(asked, params.token, name, query.download),
        });
        if (partName === undefined) return [whole];
        const part = operation({
          ...about,
          id: `getShared-${name}-part`,
          path: `/api/shared/{token}/${name.replace('.', '-{part}.')}`,
          summary: `A further part of the ${name} that a link shows.`,
          params: byToken.params.extend({ part: partNumber }),
          run: async ({ asked, params, query }) =>
            await given(asked, params.token, partName(Number(params.part)), query.download),
        });
        return [whole, part];
      }),
  ];
}

function created(value: unknown): Answer {
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' };
  return { status: 201, headers, body: JSON.stringify(value) };
}
