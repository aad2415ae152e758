import { computed, effect, signal } from '@preact/signals';
import { pushAnswer, subscribedAnswer } from '../api.ts';
import { addressOf, base } from '../place.ts';
import { go, routeOf } from '../router.ts';
import { optional, record, ShapeError, text } from '../shape.ts';
import { keepValue, keptValue, words } from '../words/words.ts';
import { ask, sentenceOf, tell } from './ask.ts';
import { beforeLogOut, session, shutOut } from './session.ts';

declare global {
  /** TypeScript does not know it yet, nor that what a policy gives is more than a text (Trusted Types, W3C). */
  var trustedTypes: { createPolicy(name: string, rules: ScriptPolicy): ScriptPolicy } | undefined;
}

interface ScriptPolicy {
  createScriptURL(url: string): string;
}

/** Whether this browser is told of events also while the page is closed, or why it cannot be. */
export type PushState = 'insecure' | 'unsupported' | 'blocked' | 'off' | 'on';

interface Known {
  /** What browsers subscribe with; absent: nobody sends pushes. */
  publicKey: string | undefined;
  subscribed: boolean;
  permission: NotificationPermission;
}

const known = signal<Known | undefined>(undefined);
/** Why it could not be turned on or off, one sentence. */
export const pushFault = signal<string | undefined>(undefined);
export const pushBusy = signal(false);

/** Undefined: nothing is known yet, or nobody sends pushes. */
export const pushState = computed<PushState | undefined>(() => {
  const { publicKey, subscribed, permission } = known.value ?? {};
  if (publicKey === undefined) return undefined;
  if (!isSecureContext) return 'insecure';
  if (!supported()) return 'unsupported';
  if (permission === 'denied') return 'blocked';
  return subscribed === true && permission === 'granted' ? 'on' : 'off';
});

const SUBSCRIPTIONS = 'api/push/subscriptions';
/** Where the name is kept by which the viewer knows this browser. */
const KEY = 'faascam.push';

function browserName(): string | undefined {
  const name = keptValue(KEY) ?? '';
  return name === '' ? undefined : name;
}

function supported(): boolean {
  return 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window;
}

async function subscription(): Promise<PushSubscription | undefined> {
  if (!isSecureContext || !supported()) return undefined;
  const registration = await navigator.serviceWorker.getRegistration(base.href);
  return (await registration?.pushManager.getSubscription()) ?? undefined;
}

/** Looks at how it stands. Never rejects. */
export async function lookAtPush(): Promise<void> {
  try {
    const { publicKey } = await ask('api/push', pushAnswer);
    const subscribed = browserName() !== undefined && (await subscription()) !== undefined;
    const permission = supported() ? Notification.permission : 'default';
    known.value = { publicKey, subscribed, permission };
  } catch (error) {
    // Without NATS nobody can say; what was known stays.
    console.warn(sentenceOf(error));
  }
}

/** To be called by a click, or the browser does not ask the user. Never rejects. */
export async function turnPushOn(): Promise<void> {
  await attempt(async () => {
    const key = known.value?.publicKey;
    if (key === undefined || (await Notification.requestPermission()) !== 'granted') return undefined;
    const registration = await navigator.serviceWorker.register(workerUrl(), { updateViaCache: 'none' });
    await navigator.serviceWorker.ready;
    let made: PushSubscription;
    try {
      made = await subscribed(registration, key);
    } catch (cause) {
      // Its sentences are of the browser's own: whoever looks for the cause finds them in the console.
      console.warn(cause);
      return words.value.push.noService;
    }
    await note(made);
    return undefined;
  });
}

/** Never rejects. */
export async function turnPushOff(): Promise<void> {
  await attempt(async () => {
    await end();
    return undefined;
  });
}

async function attempt(act: () => Promise<string | undefined>): Promise<void> {
  if (pushBusy.value) return;
  pushBusy.value = true;
  pushFault.value = undefined;
  try {
    pushFault.value = await act();
  } catch (error) {
    pushFault.value = sentenceOf(error);
  }
  await lookAtPush();
  pushBusy.value = false;
}

/** One that was made with another key is no good any more: it is made anew. */
async function subscribed(registration: ServiceWorkerRegistration, key: string): Promise<PushSubscription> {
  const before = await registration.pushManager.getSubscription();
  if (before !== null) {
    if (keyText(before.options.applicationServerKey) === key) return before;
    await before.unsubscribe();
  }
  return await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

async function note(made: PushSubscription): Promise<void> {
  const { browser } = subscribedAnswer(await tell('POST', SUBSCRIPTIONS, made.toJSON()), 'the answer');
  const before = browserName();
  keepValue(KEY, browser);
  // Its address has changed: nobody hears what is sent to the one before.
  if (before !== undefined && before !== browser) await forget(before);
}

async function end(): Promise<void> {
  const browser = browserName();
  // The browser first: from then on it shows nothing, whatever the viewer still knows.
  await (await subscription())?.unsubscribe();
  if (browser !== undefined) await forget(browser);
  keepValue(KEY, '');
}

async function forget(browser: string): Promise<void> {
  await tell('DELETE', `${SUBSCRIPTIONS}/${encodeURIComponent(browser)}`);
}

/** Base64url without padding. */
function keyText(key: ArrayBuffer | null): string {
  const bytes = String.fromCharCode(...new Uint8Array(key ?? new ArrayBuffer(0)));
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Made once: a browser refuses a second one of the same name. */
let policy: ScriptPolicy | undefined;

/** The one address of a program that this page lets run beside itself, where the browser asks for a policy of such. */
function workerUrl(): string {
  const address = addressOf('push-worker.js');
  policy ??= globalThis.trustedTypes?.createPolicy('faascam', {
    createScriptURL: (url) => {
      if (url !== address) throw new TypeError('not the page’s service worker');
      return url;
    },
  });
  return policy?.createScriptURL(address) ?? address;
}

/**
 * Follows what a click on a notification opens. A browser that was subscribed is told to the viewer anew, once it is known who
 * uses the page, and when that changes: its address may be another, as may the key, the user, and the cameras that they may see.
 */
export function startPush(): void {
  if (!isSecureContext || !supported()) return;
  navigator.serviceWorker.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const path = openOf(data);
    if (path !== undefined) go(routeOf(path));
  });
  beforeLogOut.add(end);
  /** Their name; empty for whoever needs none. */
  let renewedFor: string | undefined;
  effect(() => {
    if (session.value === undefined || shutOut.value) return;
    const user = session.value.user?.name ?? '';
    if (user === renewedFor) return;
    renewedFor = user;
    if (browserName() !== undefined && Notification.permission === 'granted') void renew();
  });
}

async function renew(): Promise<void> {
  try {
    const { publicKey } = await ask('api/push', pushAnswer);
    const registration = await navigator.serviceWorker.getRegistration(base.href);
    if (publicKey === undefined || registration === undefined) return;
    await note(await subscribed(registration, publicKey));
  } catch (error) {
    // Settings say how it stands.
    console.warn(error);
  }
}

const clicked = record({ open: optional(text) });

function openOf(data: unknown): string | undefined {
  try {
    return clicked(data, 'the message').open;
  } catch (error) {
    if (error instanceof ShapeError) return undefined;
    throw error;
  }
}
