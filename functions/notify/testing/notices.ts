import type { Notice } from '../notice.ts';
import { eventOf } from './events.ts';

/** A notice of an event that begins now. */
export function noticeOf(more: Partial<Notice> = {}): Notice {
  const nowUs = Date.now() * 1000;
  const { id, camera, startUs, endUs } = eventOf('yard', nowUs);
  return {
    ...{ v: 1, id: `door.${id}`, when: 'event', rule: 'door', target: 'house', atUs: nowUs },
    ...{ expiresAtUs: nowUs + 3_600_000_000, title: 'person at yard', text: 'at the gate' },
    event: { id, camera, labels: ['person'], zones: ['gate'], score: 0.9, startUs, endUs },
    ...more,
  };
}
