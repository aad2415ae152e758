import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { logIn, session } from '../data/session.ts';
import { Empty } from '../parts/empty.tsx';
import { Brand } from '../parts/icons.tsx';
import { words } from '../words/words.ts';

/** Asks who is there. What was asked for shows at once afterwards: the address stays. */
export function Login(): JSX.Element {
  const { account: say } = words.value;
  const [fault, setFault] = useState<string | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const name = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  useEffect(() => name.current?.focus(), []);
  if (session.value?.state === 'unconfigured') return <Empty title={say.login} text={say.unconfigured} />;
  const submit = async (): Promise<void> => {
    setBusy(true);
    const refused = await logIn(name.current?.value ?? '', password.current?.value ?? '');
    setBusy(false);
    setFault(refused);
    if (refused === undefined) return;
    password.current?.select();
  };
  return (
    <form
      class="login panel"
      aria-labelledby="login-title"
      // The page's own program sends it: nothing goes into the address.
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Brand />
      <h1 class="page-title" id="login-title">
        {say.login}
      </h1>
      <p class="hint">{say.hint}</p>
      <label class="stacked">
        <span>{say.user}</span>
        <input
          ref={name}
          name="name"
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          required
          maxLength={64}
        />
      </label>
      <label class="stacked">
        <span>{say.password}</span>
        <input ref={password} name="password" type="password" autocomplete="current-password" required />
      </label>
      {fault !== undefined && (
        <p class="cause" role="alert">
          {fault}
        </p>
      )}
      <button class="button button-strong" type="submit" disabled={busy}>
        {say.login}
      </button>
    </form>
  );
}
