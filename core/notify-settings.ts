import { resolve } from 'node:path';
import { z } from 'zod';
import { cameraId } from './ids.ts';

/** What may stand in braces in a notification's title and text. */
export const placeholders = ['camera', 'labels', 'time', 'zones', 'score', 'url', 'rule'] as const;
export type Placeholder = (typeof placeholders)[number];

const MINUTE_MS = 60_000;
const file = z.string().default('');
const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, {
  error: 'must be 1 to 32 characters of a-z, 0-9 and -, and begin with a letter or digit',
});

/** Text with placeholders in braces. There is no more to it: no conditions, no code. */
const template = (most: number, usual: string) =>
  z
    .string()
    .max(most)
    .default(usual)
    .refine((text) => unknownPlaceholders(text).length === 0, {
      error: (issue) =>
        `has no place for ${unknownPlaceholders(String(issue.input)).join(', ')}; there are ${placeholders.map((each) => `{${each}}`).join(' ')}`,
    });

function unknownPlaceholders(text: string): string[] {
  const known = new Set<string>(placeholders);
  return [...text.matchAll(/\{([^{}]*)\}/g)].flatMap(([whole, inner = '']) =>
    known.has(inner) ? [] : [whole],
  );
}

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, {
  error: 'must be a time from 00:00 to 23:59',
});
const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

const quietTime = z.strictObject({
  days: z
    .array(z.enum(weekdays))
    .default([])
    .describe('Days on which it begins: mon, tue, wed, thu, fri, sat, sun. Empty: every day.'),
  from: timeOfDay.describe('When it begins.'),
  to: timeOfDay.describe('When it ends; before `from` is on the next day, the same is a whole day later.'),
});
export type QuietTime = z.infer<typeof quietTime>;

const rule = z.strictObject({
  name: name.describe('Shown in messages, and what keeps a visit from being told twice.'),
  when: z
    .enum(['event', 'clip'])
    .default('event')
    .describe(
      '`event`: as soon as an event is what the rest of the rule asks for; `clip`: when its clip can be played.',
    ),
  cameras: z.array(cameraId).default([]).describe('Empty: all.'),
  labels: z.array(z.string().min(1)).default([]).describe('One of these was seen. Empty: any.'),
  zones: z.array(z.string().min(1)).default([]).describe('One of these was entered. Empty: anywhere.'),
  minScore: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('What the best look must reach; events themselves ask for .6 already.'),
  quiet: z.array(quietTime).default([]).describe('When nothing is told, by the time zone above.'),
  cooldownMs: z
    .number()
    .int()
    .min(0)
    .max(7 * 86_400_000)
    .default(MINUTE_MS)
    .describe(
      'For so long another visit of the same label to the same camera is not told: children that play are one piece of news.',
    ),
  title: template(200, '{labels} at {camera}'),
  text: template(1000, '{time}'),
  to: z.array(name).min(1).describe('Names of targets.'),
});
export type NotifyRule = z.infer<typeof rule>;

const expireAfterMs = z
  .number()
  .int()
  .min(1000)
  .max(7 * 86_400_000)
  .default(86_400_000)
  .describe('A target that is away is tried for so long; older news is dropped, and the log says so.');
const timeoutMs = z
  .number()
  .int()
  .min(100)
  .max(20_000)
  .default(10_000)
  .describe('How long an answer may take. A call of the function ends after 30 s.');
const privateAddresses = (why: string) => z.boolean().default(false).describe(why);

const webhook = z.strictObject({
  kind: z.literal('webhook').describe('A POST of JSON, signed.'),
  url: z
    .url({ protocol: /^https?$/, error: 'must be an address that begins with http:// or https://' })
    .describe('Where it is posted.'),
  secretFile: file.describe(
    'File with the secret that it is signed with: `whsec_` and base64, or any text. Two lines sign twice, while a secret is changed. Empty: unsigned.',
  ),
  headersFile: file.describe(
    'File with further headers, a line each as `Authorization: Bearer ...`: they may be secrets.',
  ),
  caFile: file.describe('Certificates (PEM) of your own authority.'),
  timeoutMs,
  picture: z
    .enum(['none', 'url', 'inline'])
    .default('none')
    .describe(
      '`url`: the address of its snapshot, below `pageUrl`; `inline`: the picture itself, in base64.',
    ),
  privateAddresses: privateAddresses(
    'Whether a name in the address may lead into your own network. An address that says so itself (192.168.1.5, localhost, house.local) needs it not.',
  ),
  expireAfterMs,
});
export type WebhookTarget = z.infer<typeof webhook>;

const mqtt = z.strictObject({
  kind: z.literal('mqtt').describe('A broker, such as that of Home Assistant.'),
  url: z
    .url({ protocol: /^mqtts?$/, error: 'must be an address that begins with mqtt:// or mqtts://' })
    .describe('The broker; `mqtts` asks for TLS.'),
  userFile: file.describe('File with the name to log in with.'),
  passwordFile: file.describe('File with the password.'),
  caFile: file.describe("Certificates (PEM) of your own authority, where the broker's is signed by one."),
  clientId: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .default('faascam')
    .describe('Its own among the clients of the broker; two of one name throw each other out.'),
  prefix: z
    .string()
    .regex(/^[^\s#+/]+(\/[^\s#+/]+)*$/, { error: 'must be a topic without # and +' })
    .default('faascam')
    .describe('What all topics begin with.'),
  discoveryPrefix: z
    .string()
    .regex(/^([^\s#+/]+(\/[^\s#+/]+)*)?$/, { error: 'must be a topic without # and +' })
    .default('homeassistant')
    .describe("Where Home Assistant looks for devices; its own is `homeassistant`. Empty: it isn't told."),
  labels: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9 _-]{0,62}$/))
    .default(['person', 'car', 'dog', 'cat'])
    .describe('Each camera has a sensor for each of these from the beginning, and for others once seen.'),
  pictures: z
    .boolean()
    .default(true)
    .describe('Whether the picture of each new event is published: 60 kB or so, kept by the broker.'),
  timeoutMs,
  expireAfterMs,
});
export type MqttTarget = z.infer<typeof mqtt>;

const push = z.strictObject({
  kind: z.literal('push').describe('Browsers that asked for it on the page.'),
  contact: z
    .string()
    .regex(/^(mailto:\S+@\S+|https:\/\/\S+)$/, {
      error: 'must be mailto:you@example.org or an https address',
    })
    .describe('Whom a push service may write to, when something is wrong with what you send.'),
  publicKey: z
    .string()
    .regex(/^[A-Za-z0-9_-]{87}$|^$/, { error: 'must be a public VAPID key: 87 letters of base64url' })
    .default('')
    .describe('Public VAPID key. Empty: a pair is made once, and kept in NATS.'),
  privateKeyFile: file.describe('File with the private key to it, in base64url.'),
  caFile: file.describe('Certificates (PEM) of your own authority, where the push service is your own.'),
  privateAddresses: privateAddresses(
    'Whether push services may be in your own network. Browsers name them, so it is best left off.',
  ),
  timeoutMs,
  expireAfterMs: expireAfterMs.default(3_600_000),
});
export type PushTarget = z.infer<typeof push>;

const target = z.discriminatedUnion('kind', [webhook, mqtt, push]);
export type NotifyTarget = z.infer<typeof target>;

function knownTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** `notify:` of faascam.yml: who is told of what. */
export const notifySettings = z
  .strictObject({
    pageUrl: z
      .union([z.literal(''), z.url({ protocol: /^https?$/ })])
      .default('')
      .describe('Where the page is for those who are told, such as https://cams.example.org/; for {url}.'),
    timeZone: z
      .string()
      .refine(knownTimeZone, { error: 'must be a time zone such as Europe/Berlin' })
      .default('UTC')
      .describe('Of quiet times and of {time}: functions in containers know none of their own.'),
    maxAgeMs: z
      .number()
      .int()
      .min(1000)
      .default(10 * MINUTE_MS)
      .describe(
        'An event that is heard of later than this is not told: after an outage, or the first start, nobody wants all that was.',
      ),
    targets: z.record(name, target).default({}).describe('Where notifications go, by name.'),
    rules: z.array(rule).default([]).describe('What is told. Each rule tells a visit once.'),
  })
  .superRefine(({ targets, rules }, context) => {
    const seen = new Set<string>();
    for (const [index, each] of rules.entries()) {
      if (seen.has(each.name)) {
        context.addIssue({
          code: 'custom',
          path: ['rules', index, 'name'],
          message: `is the name of two rules: ${each.name}`,
        });
      }
      seen.add(each.name);
      for (const to of each.to) {
        if (Object.hasOwn(targets, to)) continue;
        context.addIssue({
          code: 'custom',
          path: ['rules', index, 'to'],
          message: `names the target ${to}, which is not among targets`,
        });
      }
    }
    const pushes = Object.entries(targets).filter(([, { kind }]) => kind === 'push');
    if (pushes.length > 1) {
      context.addIssue({
        code: 'custom',
        path: ['targets'],
        message: 'has more than one of kind push: browsers subscribe to all there is',
      });
    }
    for (const [key, each] of pushes) {
      if (each.kind === 'push' && (each.publicKey === '') !== (each.privateKeyFile === '')) {
        context.addIssue({
          code: 'custom',
          path: ['targets', key],
          message: 'needs both publicKey and privateKeyFile, or neither',
        });
      }
    }
  })
  .prefault({})
  .describe('Who is told of events: docs/notifications.md.');
export type NotifySettings = z.infer<typeof notifySettings>;

const FILES = ['secretFile', 'headersFile', 'caFile', 'userFile', 'passwordFile', 'privateKeyFile'];

/** Settings whose files hold from any folder. */
export function resolvedNotify(settings: NotifySettings, directory: string): NotifySettings {
  const absolute = <T extends NotifyTarget>(each: T): T => ({
    ...each,
    ...Object.fromEntries(
      Object.entries(each).flatMap(([key, value]) =>
        FILES.includes(key) && typeof value === 'string' && value !== ''
          ? [[key, resolve(directory, value)]]
          : [],
      ),
    ),
  });
  return {
    ...settings,
    targets: Object.fromEntries(Object.entries(settings.targets).map(([key, each]) => [key, absolute(each)])),
  };
}
