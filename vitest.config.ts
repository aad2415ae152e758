import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['faascam-source'] },
  ssr: { resolve: { conditions: ['faascam-source', 'node', 'import', 'module', 'default'] } },
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
