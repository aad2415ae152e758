import { isoTime } from '@faascam/core/clock';
import type { Placeholder } from '@faascam/core/notify-settings';
import type { NoticedEvent } from './notice.ts';

/** What each placeholder stands for. */
export type Values = Record<Placeholder, string>;

/** The text with its placeholders filled in. Values are taken as they are: braces in a camera's name stay braces. */
export function filled(template: string, values: Values): string {
  const names = Object.keys(values).join('|');
  return printable(
    template.replaceAll(new RegExp(`\\{(${names})\\}`, 'g'), (whole, name: string) =>
      isPlaceholder(name, values) ? values[name] : whole,
    ),
  ).trim();
}

function isPlaceholder(name: string, values: Values): name is Placeholder {
  return Object.hasOwn(values, name);
}

/** The values of an event. `timeZone` is one that Intl knows. */
export function valuesOf(
  event: NoticedEvent,
  { rule, url, timeZone }: { rule: string; url: string | undefined; timeZone: string },
): Values {
  return {
    camera: event.camera,
    labels: event.labels.join(', '),
    zones: event.zones.join(', '),
    score: `${Math.round(event.score * 100)} %`,
    time: timeOf(event.startUs, timeZone),
    url: url ?? '',
    rule,
  };
}

function timeOf(us: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone, hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  });
  return format.format(new Date(isoTime(us)));
}

/** Without what could change how the rest is shown: control characters, and those that turn the direction of writing. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, ' ');
}
