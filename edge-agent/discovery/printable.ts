/**
 * Words that a device said of itself, for people: without what could steer a terminal or hide text, on one line, at
 * most 100 characters.
 */
export function printable(words: string): string {
  return words
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, ' ')
    .trim()
    .slice(0, 100)
    .trim();
}
