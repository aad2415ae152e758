import type { JSX } from 'preact';

interface SelectProps {
  label: string;
  value: string;
  choices: readonly (readonly [value: string, text: string])[];
  onChoose: (value: string) => void;
  /** A name before the choice that everybody sees. */
  plain?: boolean;
}

/** A list to choose from, with its name before it. */
export function Select({ label, value, choices, onChoose, plain = false }: SelectProps): JSX.Element {
  return (
    <label class={plain ? 'field field-plain' : 'field'}>
      <span>{label}</span>
      <select value={value} onChange={(change) => onChoose(change.currentTarget.value)}>
        {choices.map(([each, text]) => (
          <option key={each} value={each} selected={each === value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
