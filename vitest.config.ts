import { readdirSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const packages = readdirSync(new URL('packages/', import.meta.url));

export default defineConfig({
  resolve: {
    alias: packages.map((name) => ({
      find: new RegExp(`^@dinov2/${name}$`),
      replacement: new URL(`packages/${name}/src/index.ts`, import.meta.url).pathname,
    })),
  },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'tests/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    setupFiles: ['tests/support/property-seed.ts'],
    maxWorkers: 2,
  },
});
