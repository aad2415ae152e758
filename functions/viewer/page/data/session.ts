import { computed, signal } from '@preact/signals';
import { sessionAnswer, type SessionAnswer } from '../api.ts';
import { words } from '../words/words.ts';
import { AnswerError, ask, ownHeaders, refusals, sentenceOf, tell } from './ask.ts';

/** Goes along with every change, so that no other site can ask for one in the user's name. */
const CSRF_HEADER = 'X-Faascam-Csrf';

const known = signal<SessionAnswer | undefined>(undefined);

/** Who uses the page; undefined until that is known. */
export const session = computed(() => known.value);

/** Nothing is shown, and nothing asked for, to somebody who has not logged in. */
export const shutOut = computed(() => {
  const state = known.value?.state;
  return state === 'needed' || state === 'unconfigured';
});

/** Whether the user may change something; who may not is not offered it. */
export const mayOperate = computed(() => {
  const { state, user } = known.value ?? {};
  return state === 'open' || user?.role === 'operator' || user?.role === 'admin';
});

async function refresh(): Promise<void> {
  try {
    take(await ask('api/session', sessionAnswer));
  } catch (error) {
    // A viewer that knows no sessions is open to everybody who reaches it; one that is away is told of elsewhere.
    if (error instanceof AnswerError && error.status === 404) take({ state: 'open' });
  }
}

function take(answer: SessionAnswer): void {
  known.value = answer;
  if (answer.csrf === undefined) ownHeaders.delete(CSRF_HEADER);
  else ownHeaders.set(CSRF_HEADER, answer.csrf);
}

let asked = Promise.resolve();

/** What has to go along with a change, once it is known whether there is a session. */
export async function changeHeaders(): Promise<Record<string, string>> {
  await asked;
  return Object.fromEntries(ownHeaders);
}

export function startSession(): void {
  asked = refresh();
  let asking = false;
  refusals.add((status) => {
    // The session has ended, or was ended elsewhere.
    if (status !== 401 || asking || known.value?.state === 'needed') return;
    asking = true;
    void refresh().finally(() => {
      asking = false;
    });
  });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) void refresh();
  });
}

/** Gives why it did not succeed, as a sentence; undefined when the user is in. */
export async function logIn(name: string, password: string): Promise<string | undefined> {
  try {
    await tell('POST', 'api/session', { name, password });
    await refresh();
    return undefined;
  } catch (error) {
    if (error instanceof AnswerError && error.status === 401) return words.value.account.wrong;
    return sentenceOf(error);
  }
}

/** What is to end with the session, while it still may be asked for. */
export const beforeLogOut = new Set<() => Promise<void>>();

export async function logOut(): Promise<void> {
  try {
    await Promise.all(
      [...beforeLogOut].map((end) => end().catch((error: unknown) => console.warn(sentenceOf(error)))),
    );
    await tell('DELETE', 'api/session');
  } catch (error) {
    console.warn(sentenceOf(error));
  }
  // Nothing of what was seen stays in the page.
  location.reload();
}
