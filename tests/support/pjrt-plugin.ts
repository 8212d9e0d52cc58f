import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const named = process.env['DINOV2_PJRT_PLUGIN'];
const path = named ?? fileURLToPath(new URL('../pjrt-cpu/build/pjrt_cpu.so', import.meta.url));

/** A PJRT plugin to test on: `DINOV2_PJRT_PLUGIN`, else the one that `tests/pjrt-cpu` builds; undefined if there is none. */
export const pjrtPlugin: string | undefined = existsSync(path) ? path : undefined;

/** Why `pjrtPlugin` is undefined, and what would make it defined; for the title of what is skipped. */
export const noPjrtPlugin =
  named === undefined
    ? 'no PJRT plugin; node tests/pjrt-cpu/build.mjs --python <python with tensorflow-cpu 2.21> builds one'
    : `no PJRT plugin at DINOV2_PJRT_PLUGIN=${named}`;
