import { join } from 'node:path';
import { buildPage } from './page-build.ts';

/** `npm run build`: from `dist`, where this was compiled to. */
await buildPage(join(import.meta.dirname, '..'));
