import { resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { messageOf } from '@faascam/core/errors';
import { bundledFunctions } from './functions.ts';
import { writeFunction, writeHost } from './write.ts';

/**
 * `npm run build:functions [-- --model FILE ...]`: bundles the function host into the template and each function into
 * `functions/NAME/bundle`, for faas-cli to build images of. A `--model` goes into the image of detect.
 */
const root = fileURLToPath(new URL('../../../../', import.meta.url));

try {
  const { values } = parseArgs({ options: { model: { type: 'string', multiple: true } } });
  const models = (values.model ?? []).map((path) => resolve(process.env['INIT_CWD'] ?? '.', path));
  await writeHost(root, `${root}template/faascam-node/bundle`);
  for (const each of bundledFunctions) {
    const more = each.files === 'models' ? models : [];
    await writeFunction(root, each, `${root}functions/${each.name}/bundle`, more);
    process.stdout.write(`functions/${each.name}/bundle\n`);
  }
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
