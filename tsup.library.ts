import { copyFileSync } from 'node:fs';
import { defineConfig } from 'tsup';

/** How every package of the house is built: ESM, CommonJS and types, one entry. */
export const library = (entry: string[] = ['src/index.ts']) =>
  defineConfig({
    entry,
    format: ['esm', 'cjs'],
    dts: true,
    clean: true,
    sourcemap: true,
    target: 'es2022',
    tsconfig: '../../tsconfig.build.json',
    // npm packs a licence only from the package's own folder.
    onSuccess: async () => copyFileSync('../../LICENSE', 'LICENSE'),
  });
