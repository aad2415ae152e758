import type { ComponentChildren, JSX } from 'preact';
import { go, hrefOf, type Route } from '../router.ts';

interface LinkProps {
  to: Route;
  query?: string;
  class?: string;
  label?: string;
  current?: boolean;
  title?: string;
  children: ComponentChildren;
}

/** A link within the page: a plain one, which needs no loading where the browser lets it be followed here. */
export function Link({ to, query = '', label, current, title, children, ...rest }: LinkProps): JSX.Element {
  const follow = (click: MouseEvent): void => {
    if (click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return;
    click.preventDefault();
    go(to, { query });
  };
  return (
    <a
      href={hrefOf(to, query)}
      class={rest.class}
      aria-label={label}
      aria-current={current === true ? 'page' : undefined}
      title={title}
      onClick={follow}
    >
      {children}
    </a>
  );
}
