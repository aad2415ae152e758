import { readFileSync, writeFileSync } from 'node:fs';
import { configJsonSchema } from './config.ts';

/** `docs/faascam.schema.json` as it should be. */
export function schemaFileText(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
}

/** Run with a path (`npm run schema`), it writes the file there, if it differs. */
const [, script = '', path] = process.argv;
if (path !== undefined && import.meta.filename === script) {
  const text = schemaFileText();
  let old = '';
  try {
    old = readFileSync(path, 'utf8');
  } catch {
    // not there yet
  }
  if (old !== text) writeFileSync(path, text);
}
