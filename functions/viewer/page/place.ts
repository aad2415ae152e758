/**
 * Where the page is served: at the root or below a prefix that only the browser knows. The program lies in `assets/`
 * below it, whatever path of the page was opened.
 */
const program = import.meta.url;
export const base = new URL('../', program);

/** An address that the API gave, which is relative to the page's own, as one that works from every path of it. */
export function addressOf(relative: string): string {
  return new URL(relative, base).href;
}
