import { copyFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'tsup';

const tsconfig = '../../tsconfig.build.json';

export default defineConfig([
  {
    // Workers are files of their own, started by URL.
    entry: { main: 'src/main.ts', 'patch-search-worker': 'src/view/patch-search-worker.ts', 'map-worker': 'src/view/map-worker.ts' },
    format: ['esm'],
    clean: ['!viewer/**'],
    tsconfig,
  },
  {
    // The viewer's page, with all that it needs.
    entry: { main: 'src/viewer/main.tsx', 'colour-worker': 'src/viewer/colour/colour-worker.ts' },
    outDir: 'dist/viewer',
    format: ['esm'],
    platform: 'browser',
    target: 'es2022',
    minify: true,
    splitting: false,
    noExternal: [/.*/],
    clean: true,
    tsconfig,
    esbuildOptions(options) {
      // From its sources, file by file, so that what the page does not use is left out.
      options.alias = { '@dinov2/evaluation': fileURLToPath(new URL('../../packages/evaluation/src/index.ts', import.meta.url)) };
    },
    onSuccess: async () => copyFileSync('src/viewer/index.html', 'dist/viewer/index.html'),
  },
]);
