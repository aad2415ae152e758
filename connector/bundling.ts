import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { messageOf } from '@faascam/core/errors';
import { bundleHost } from '@faascam/function-host/bundling/bundle';
import { licencesOf } from '@faascam/function-host/bundling/licences';

/**
 * `npm run build:connector [-- FOLDER]`: the connector as one file with the licences of what is in it, for its image
 * (connector/Dockerfile) or to be run with Node alone. The same sources and packages give the same bytes.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));

try {
  const [folder = join(root, 'connector', 'bundle')] = process.argv.slice(2);
  const { code, inputs, external } = await bundleHost(root, 'connector/main.ts');
  // Of Node's own modules an older Node may not know all; they are loaded when they are needed.
  const packages = external.filter((each) => !each.startsWith('node:'));
  if (packages.length > 0) throw new TypeError(`the bundle asks for ${packages.join(', ')} at run time`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'main.mjs'), code);
  await writeFile(join(folder, 'licences.txt'), await licencesOf(root, inputs));
} catch (error) {
  process.stderr.write(`The connector could not be bundled: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
