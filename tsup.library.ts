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
  });
