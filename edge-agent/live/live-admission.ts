import { liveTokenFault, sameText } from '@faascam/core/live-token';
import type { LiveSettings } from '@faascam/core/live-settings';
import { LiveRefusal } from './live-refusal.ts';

/** What a request shows for itself. */
export interface Credentials {
  authorization: string | undefined;
  /** `?token=`, where a header cannot be sent: in pictures and WebSockets of a page. */
  token: string | undefined;
}

/**
 * Throws `LiveRefusal` unless the token lets its bearer watch the camera: one of a program, by its name, or a short-lived one
 * of the viewer.
 */
export function admit(
  { secret, programs }: Pick<LiveSettings, 'secret' | 'programs'>,
  camera: string,
  { authorization, token }: Credentials,
  nowS: number,
): void {
  const shown = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? token ?? '';
  if (shown === '')
    throw new LiveRefusal(
      401,
      'no-token',
      'Live view needs a token: as "Authorization: Bearer" or as ?token=.',
    );
  // All are compared, so that time tells nothing of which.
  const known = programs.filter((program) => sameText(program.token, shown));
  if (known.some(({ cameras }) => cameras.length === 0 || cameras.includes(camera))) return;
  const fault = known.length > 0 ? 'other-camera' : liveTokenFault(shown, { secret, camera, nowS });
  if (fault === undefined) return;
  if (fault === 'other-camera') throw new LiveRefusal(403, fault, 'The token is for another camera.');
  if (fault === 'expired')
    throw new LiveRefusal(401, fault, 'The token has expired: ask the viewer for another one.');
  throw new LiveRefusal(401, 'bad-token', 'The token is none of this agent.');
}
