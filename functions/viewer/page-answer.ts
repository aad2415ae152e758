import type { Answer, Asked } from './answer.ts';
import { WORKER, type PageFiles } from './page-files.ts';

/** The first part of each path that the page has a view for; `page/router.ts` tells them apart further. */
const AREAS = new Set([
  '',
  'index.html',
  'cameras',
  'events',
  'timeline',
  'zones',
  'health',
  'login',
  'share',
]);
/** Longest path of the page, in parts. */
const MAX_PARTS = 3;

/** The page or one of its assets at `path`, below the function's address; undefined if neither is there. */
export async function pageAnswer(page: PageFiles, asked: Asked, path: string): Promise<Answer | undefined> {
  const parts = path.replace(/^\/+/, '').split('/');
  const [area = '', name = '', ...rest] = parts;
  if (area === WORKER) return parts.length > 1 ? undefined : await page.worker(asked);
  if (area === 'assets') return rest.length > 0 ? undefined : await page.asset(asked, name);
  if (!AREAS.has(area) || parts.length > MAX_PARTS) return undefined;
  return await page.page(asked, parts.length - 1);
}
