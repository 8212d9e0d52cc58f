import { type Options } from 'tsup';
import { library } from '../../tsup.library';

// The worker is a file of its own, started by URL; the shim gives `import.meta.url` to CommonJS.
export default { ...(library(['src/index.ts', 'src/worker.ts']) as Options), shims: true };
