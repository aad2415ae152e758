import type { ComponentChildren, JSX } from 'preact';

/** What is shown where there is nothing to show: why, and what to do. `waiting`: it will come by itself. */
export function Empty(props: {
  title: string;
  text: string;
  waiting?: boolean;
  children?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="empty">
      <svg class="empty-mark" viewBox="0 0 64 64" aria-hidden="true">
        <circle cx="32" cy="32" r="26" />
        <circle cx="32" cy="32" r="13" />
        {props.waiting === true && <circle class="empty-sweep" cx="32" cy="32" r="17" />}
      </svg>
      <h2>{props.title}</h2>
      <p>{props.text}</p>
      {props.children}
    </div>
  );
}
