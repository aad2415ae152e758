import { buildPage } from './page-build.ts';

/** For vitest, before the first test: the page as its sources are now. */
export default async function setup(): Promise<void> {
  await buildPage(import.meta.dirname);
}
