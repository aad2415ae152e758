import type { Answer, Asked } from './answer.ts';
import type { PageFiles } from './page-files.ts';

/** The page or one of its assets at `path`, below the function's address; undefined if neither is there. */
export function pageAnswer(page: PageFiles, asked: Asked, path: string): Answer | undefined {
  const [area = '', first, second, ...rest] = path.replace(/^\/+/, '').replace(/\/$/, '').split('/');
  if (first === undefined) return area === '' || area === 'index.html' ? page.page(asked) : undefined;
  if (area !== 'assets' || rest.length > 0) return undefined;
  return page.asset(asked, second ?? first, second === undefined ? undefined : first);
}
