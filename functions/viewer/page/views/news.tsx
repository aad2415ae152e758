import type { JSX } from 'preact';
import { labelsText } from '../words/reasons.ts';
import { words } from '../words/words.ts';
import { shownFeed } from './open-feed.ts';

/** Says aloud what came in, for those who do not see it. */
export function News(): JSX.Element {
  const { events: say } = words.value;
  const [first, ...more] = shownFeed.value?.news.value ?? [];
  let text = '';
  if (first !== undefined) {
    text =
      more.length === 0 ? say.newOne(labelsText(first.labels), first.camera) : say.newSome(more.length + 1);
  }
  return (
    <p class="visually-hidden" id="news" aria-live="polite">
      {text}
    </p>
  );
}
