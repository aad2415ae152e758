import type { JSX } from 'preact';
import { Icon, type IconName } from './icons.tsx';

/** A button that shows nothing but an icon; its label is read out, and shown when one points at it. */
export function IconButton(props: {
  name: IconName;
  label: string;
  disabled?: boolean;
  onClick: () => void;
}): JSX.Element {
  return (
    <button
      class="icon-button"
      type="button"
      aria-label={props.label}
      title={props.label}
      disabled={props.disabled ?? false}
      onClick={props.onClick}
    >
      <Icon name={props.name} />
    </button>
  );
}
