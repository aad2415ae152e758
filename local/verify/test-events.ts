import { dirname } from 'node:path';
import type { Manifest } from '@faascam/core/clip-messages';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { checkFolder, type Checked } from './test-check.ts';
import { openTestStore, type TestStore } from './test-store.ts';
import type { VerifyOptions } from './verification.ts';

/** Five events of a camera, ten seconds apart, that each test of a file has in a store of its own. */
export interface FiveEvents {
  /** As they were recorded, once for all tests. */
  original: TestStore;
  /** The test's own copy. */
  site: TestStore;
  events: Manifest[];
}

/** Records five events before the tests of the file that calls it, and gives each test a copy. */
export function fiveEvents() {
  let original: TestStore;
  let recorded: Manifest[];
  let given: FiveEvents;

  beforeAll(async () => {
    original = await openTestStore();
    recorded = [];
    for (let n = 0; n < 5; n++) recorded.push(await original.record(n * 10));
  });

  beforeEach(async () => {
    given = {
      original,
      site: await openTestStore(original.directory),
      events: structuredClone(recorded),
    };
  });

  afterEach(async () => {
    await given.site.close();
  });

  afterAll(async () => {
    await original.close();
  });

  const idOf = (n: number): string => given.events[n]?.event.id ?? '';
  return {
    /** This test's. */
    given: (): FiveEvents => given,
    check: (options: Partial<VerifyOptions> = {}, folder = given.site.clips): Promise<Checked> =>
      checkFolder(folder, options),
    idOf,
    folderOf: (n: number): string => dirname(given.site.pathOf(idOf(n), 'event.json')),
  };
}
