import { computed } from '@preact/signals';
import { de } from './de.ts';
import { en, type Words } from './en.ts';
import { language, languageOf, languages, type Language } from './format.ts';

/** All languages of the page. */
export const catalogues: Record<Language, Words> = { en, de };

/** The words of the language shown. */
export const words = computed(() => catalogues[language.value]);

const KEY = 'faascam.language';

/** Takes the language chosen here before, or else that of the browser. */
export function startLanguage(): void {
  const kept = languages.find((one) => one === keptValue(KEY));
  showLanguage(kept ?? languageOf(navigator.languages));
}

export function chooseLanguage(chosen: Language): void {
  keepValue(KEY, chosen);
  showLanguage(chosen);
}

function showLanguage(chosen: Language): void {
  language.value = chosen;
  document.documentElement.lang = chosen;
}

/** A value kept in this browser; undefined where there is none or the browser keeps nothing. */
export function keptValue(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

export function keepValue(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing shows what was chosen until it is closed.
  }
}

export function forgetValue(key: string): void {
  try {
    localStorage.removeItem(key);
  } catch {
    // It keeps nothing anyway.
  }
}
