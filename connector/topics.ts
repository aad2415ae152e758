import { createHash } from 'node:crypto';

/** The topics of a function's annotation: subjects separated by commas, each once. */
export function topicsOf(annotation: string | undefined): string[] {
  const topics = (annotation ?? '')
    .split(',')
    .map((topic) => topic.trim())
    .filter((topic) => topic !== '');
  return [...new Set(topics)];
}

/** Whether `topic` is a NATS subject: tokens without space, `*` only as a whole token, `>` only as the last. */
export function isSubject(topic: string): boolean {
  const tokens = topic.split('.');
  return tokens.every((token, index) => {
    if (token === '' || /\s/.test(token)) return false;
    if (token === '>') return index === tokens.length - 1;
    return token === '*' || !/[*>]/.test(token);
  });
}

/**
 * The durable consumer's name for a function's topic: the same at every start, so that a restart goes on where it
 * stopped. A part for people's eyes, and a digest, since a name cannot hold what a subject can.
 */
export function consumerName(functionName: string, topic: string): string {
  const readable = `${functionName}-${topic}`.replaceAll(/[^A-Za-z0-9_-]+/g, '_').slice(0, 80);
  const digest = createHash('sha256').update(`${functionName}\n${topic}`).digest('hex').slice(0, 8);
  return `${readable}-${digest}`;
}
