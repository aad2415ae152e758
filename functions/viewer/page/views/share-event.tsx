import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { shareAnswer } from '../api.ts';
import { sentenceOf, tell } from '../data/ask.ts';
import { Select } from '../parts/select.tsx';
import { hrefOf } from '../router.ts';
import { words } from '../words/words.ts';

const HOURS = [1, 24, 24 * 7, 24 * 30];

/** Makes a link to an event that works without a login until it expires. */
export function ShareEvent({ path }: { path: string }): JSX.Element {
  const { player: say } = words.value;
  const [hours, setHours] = useState(24);
  const [link, setLink] = useState<string | undefined>(undefined);
  const [fault, setFault] = useState<string | undefined>(undefined);
  const [copied, setCopied] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const make = async (): Promise<void> => {
    setFault(undefined);
    setCopied(false);
    try {
      const { urls } = shareAnswer(await tell('POST', `${path}/share`, { hours }), 'the answer');
      const token = urls.event.slice(urls.event.lastIndexOf('/') + 1);
      const address = new URL(hrefOf({ view: 'share', token }), location.href).href;
      setLink(address);
      await navigator.clipboard.writeText(address).then(
        () => setCopied(true),
        // A page that is not served over TLS may not: the link is there to be copied by hand.
        () => field.current?.select(),
      );
    } catch (error) {
      setFault(sentenceOf(error));
    }
  };
  return (
    <div class="asked" role="group" aria-label={say.share}>
      <Select
        label={say.shareFor}
        value={String(hours)}
        choices={HOURS.map((each) => [
          String(each),
          each < 48 ? say.hours(each) : say.days(Math.round(each / 24)),
        ])}
        onChoose={(chosen) => setHours(Number(chosen))}
      />
      <button class="button button-strong" type="button" onClick={() => void make()}>
        {say.copyLink}
      </button>
      {link !== undefined && (
        <input
          class="link-field"
          ref={field}
          aria-label={say.linkIs}
          readOnly
          value={link}
          onFocus={({ currentTarget }) => currentTarget.select()}
        />
      )}
      <p class="hint" role="status">
        {copied ? say.copied : ''}
      </p>
      {fault !== undefined && (
        <p class="cause" role="alert">
          {fault}
        </p>
      )}
    </div>
  );
}
