import { MOST_OF_ONE_USER, MOST_SUBSCRIPTIONS, pushSubscription } from '@faascam/core/push-subscription';
import { keepSubscription, readPublicKey, removeSubscription } from '@faascam/core/push-subscriptions';
import { z } from 'zod';
import { jsonAnswer, NotFoundError } from '../answer.ts';
import { InputError } from './input.ts';
import { nothingAsked, operation, type Operation } from './operation.ts';
import type { Parts } from './parts.ts';

export const pushAnswer = z
  .object({
    publicKey: z
      .string()
      .optional()
      .describe(
        'For `applicationServerKey` of `PushManager.subscribe`, base64url. Absent: nobody sends pushes.',
      ),
  })
  .meta({ id: 'Push' });

export const subscribedAnswer = z
  .object({ browser: z.string().describe('Its name, to end it by.') })
  .meta({ id: 'PushSubscribed' });

const browser = z.string().regex(/^to-[0-9a-f]{32}$/, { error: 'is the name of no browser' });

/** Browsers that ask to be told of events: docs/notifications.md. */
export function pushOperations({ nats }: Parts): Operation[] {
  return [
    operation({
      ...nothingAsked,
      id: 'getPush',
      method: 'GET',
      path: '/api/push',
      needs: 'viewer',
      heedsCameras: true,
      summary: 'The key that browsers ask for notifications with.',
      answer: { status: 200, description: 'The key, if there is one.', json: pushAnswer },
      run: async ({ asked }) => {
        const publicKey = await nats.asking((messaging) => readPublicKey(messaging));
        return jsonAnswer(asked, publicKey === undefined ? {} : { publicKey });
      },
    }),
    operation({
      ...nothingAsked,
      id: 'subscribePush',
      method: 'POST',
      path: '/api/push/subscriptions',
      needs: 'viewer',
      heedsCameras: true,
      body: pushSubscription,
      summary: 'Notes a browser, which is told of events from then on; its cameras are those of who asks.',
      answer: {
        status: 200,
        description: 'It is noted.',
        json: subscribedAnswer,
        more: { 404: 'Nobody sends pushes.', 409: 'Too many browsers are told already.' },
      },
      run: async ({ asked, identity: { name, cameras, provenBy }, body }) => {
        const whose = { user: name, ...(cameras === undefined ? {} : { cameras: [...cameras] }) };
        // Without users there is nobody whose room could be taken.
        const mostOfUser = provenBy === 'default' ? MOST_SUBSCRIPTIONS : MOST_OF_ONE_USER;
        const kept = await nats.asking(async (messaging) =>
          (await readPublicKey(messaging)) === undefined
            ? undefined
            : await keepSubscription(messaging, body, whose, undefined, mostOfUser),
        );
        if (kept === undefined) throw new NotFoundError('No notifications to browsers are configured.');
        if (kept.kind === 'full') {
          throw new InputError(
            409,
            kept.of === 'user'
              ? `${MOST_OF_ONE_USER} of your browsers are told already: turn notifications off in one that you use no more.`
              : 'Too many browsers are told already: turn one off that is not used any more.',
          );
        }
        return jsonAnswer(asked, { browser: kept.key });
      },
    }),
    operation({
      ...nothingAsked,
      id: 'unsubscribePush',
      method: 'DELETE',
      path: '/api/push/subscriptions/{browser}',
      needs: 'viewer',
      heedsCameras: true,
      params: z.object({ browser }),
      summary: 'Tells a browser no more. One that is not known is no error.',
      answer: { status: 204, description: 'It is told no more.' },
      run: async ({ params }) => {
        await nats.asking((messaging) => removeSubscription(messaging, params.browser));
        return { status: 204, headers: {}, body: undefined };
      },
    }),
  ];
}
