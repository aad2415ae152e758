import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['faascam-source'] },
  ssr: { resolve: { conditions: ['faascam-source', 'node', 'import', 'module', 'default'] } },
  test: {
    include: ['**/*.test.ts'],
    // The viewer serves the page as it was built.
    globalSetup: ['functions/viewer/page-build-setup.ts'],
    // faas-cli copies what it builds into build/.
    exclude: ['**/node_modules/**', '**/dist/**', '**/bundle/**', 'build/**'],
    pool: 'forks',
    // Most tests wait for real time and other processes: two at a time, also where there are but two cores.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A condition that is waited for may take long on a loaded machine.
    expect: { poll: { timeout: 30_000 } },
  },
});
