import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

/** The root of this checkout, also when this file runs from `dist`. */
export const checkout = fileURLToPath(
  new URL(here.includes('/test/dist/') ? '../../../' : '../../', import.meta.url),
);
