import { signal } from '@preact/signals';
import { keepValue, keptValue } from './words/words.ts';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const KEY = 'faascam.theme';

/** As the device has it, or as it was chosen on this device. */
export const theme = signal<Theme>('system');

export function startTheme(): void {
  show(themes.find((one) => one === keptValue(KEY)) ?? 'system');
}

export function chooseTheme(chosen: Theme): void {
  keepValue(KEY, chosen);
  show(chosen);
}

function show(chosen: Theme): void {
  theme.value = chosen;
  if (chosen === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = chosen;
}
