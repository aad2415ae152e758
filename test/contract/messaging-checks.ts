import { randomBytes } from 'node:crypto';
import { streamConfigs, type Messaging } from '@faascam/core/messaging';
import { subjects } from '@faascam/core/subjects';
import { deadLetterHeaders, deadLetterStream } from '@faascam/connector/dead-letter';
import { matches } from './gateway-checks.ts';
import { expected, type Report } from './report.ts';
import { awaited } from './wait.ts';

export interface MessagingChecks {
  report: Report;
  messaging: Messaging;
  /** Of its own: a message that cannot be delivered would hold others of its camera up. */
  camera: string;
  patienceMs: number;
  signal: AbortSignal;
}

/** Answers whether there is what messages go through. */
export async function checkStreams({ report, messaging: { jsm } }: MessagingChecks): Promise<boolean> {
  return await report.check('NATS has the streams', async () => {
    for (const { name, subjects: wanted } of streamConfigs) {
      const { config } = await jsm.streams.info(name);
      for (const subject of wanted) {
        const example = subject.replaceAll('*', 'any');
        expected(
          config.subjects.some((taken) => matches(taken, example)),
          `the stream ${name} does not take ${subject}`,
        );
      }
    }
    return streamConfigs.map(({ name }) => name).join(', ');
  });
}

/** A message that no function takes is kept, with the reason, and is in nobody's way. */
export async function checkParking(checks: MessagingChecks): Promise<void> {
  const { report, messaging, camera, patienceMs, signal } = checks;
  await report.check('A message that is refused is parked with its reason', async () => {
    const subject = subjects.detections(camera);
    await messaging.js.publish(subject, `{"v":1,"odd":"${randomBytes(4).toString('hex')}`);
    const letter = await awaited(
      async () =>
        (await messaging.jsm.streams.getMessage(deadLetterStream.name, {
          last_by_subj: `deadletter.events.${subject}`,
        })) ?? undefined,
      { patienceMs, signal, otherwise: `nothing came on deadletter.events.${subject}` },
    );
    const reason = letter.header.get(deadLetterHeaders.reason);
    expected(reason !== '', 'it has no reason');
    return `status ${letter.header.get(deadLetterHeaders.status)}, ${reason}`;
  });
}
