import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { openStore } from '@faascam/core/store';
import { gateFromEnv } from '../auth/gate.ts';
import { PageFiles } from '../page-files.ts';
import { Viewer } from '../viewer.ts';

/** `docs/openapi.json` as it should be: what a viewer of this version gives as its document. */
export async function documentFileText(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'faascam-document-'));
  const store = await openStore({ kind: 'directory', path: '' }, directory);
  const log = createLogger('viewer');
  // Nothing of it is asked for: no NATS need be there, and no page.
  const viewer = new Viewer({
    store,
    page: new PageFiles('', new Map()),
    nats: { url: 'nats://127.0.0.1:1' },
    clock: systemClock,
    log,
    gate: (nats) => gateFromEnv({ nats, clock: systemClock, log }, { FAASCAM_DATA: directory }),
  });
  try {
    return `${JSON.stringify(viewer.document(), null, 2)}\n`;
  } finally {
    await viewer.close();
    await store.close();
    await rm(directory, { recursive: true });
  }
}

/** Run with a path (`npm run openapi`), it writes the file there, if it differs. */
const [, script = '', path] = process.argv;
if (path !== undefined && import.meta.filename === script) {
  const text = await documentFileText();
  const old = await readFile(path, 'utf8').catch(() => '');
  if (old !== text) await writeFile(path, text);
}
