import { expect, it } from 'vitest';
import { notifySettings } from '@faascam/core/notify-settings';
import { filled, valuesOf } from './template.ts';

const event = {
  id: 'yard-20260102t030405-000000',
  camera: 'yard',
  labels: ['person', 'dog'],
  zones: ['gate'],
  score: 0.876,
  // 2026-07-01T22:30:05Z.
  startUs: 1_782_945_005_000_000,
  endUs: 1_782_945_009_000_000,
};
const values = valuesOf(event, {
  rule: 'door',
  url: 'https://c.example/?event=1',
  timeZone: 'Europe/Berlin',
});

it('says what happened, in the time zone of whoever reads it', () => {
  expect(filled('{labels} at {camera}, {zones}: {time}, {score} ({rule}) {url}', values)).toBe(
    'person, dog at yard, gate: 00:30:05, 88 % (door) https://c.example/?event=1',
  );
});

it('puts in no more than values: braces in a value are text, and so is what is no placeholder', () => {
  expect(filled('{labels} {constructor} {{camera}}', { ...values, labels: '{url}' })).toBe(
    '{url} {constructor} {yard}',
  );
});

it('lets no label break out of its line or turn the writing around', () => {
  expect(filled('{labels}', { ...values, labels: 'a\r\nb\u202ec\u0000' })).toBe('a  b c');
});

it.each([
  ['{label} at {camera}', /\{label\}.*\{labels\}/],
  ['{{camera.__proto__}}', /\{camera\.__proto__\}/],
])('a template with a placeholder that there is not is a mistake in the settings: %s', (title, message) => {
  const parsed = notifySettings.safeParse({
    targets: { house: { kind: 'webhook', url: 'http://192.168.1.5/' } },
    rules: [{ name: 'a', title, to: ['house'] }],
  });
  expect(parsed.error?.issues[0]).toMatchObject({
    path: ['rules', 0, 'title'],
    message: expect.stringMatching(message) as string,
  });
});
