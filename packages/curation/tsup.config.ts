import { type Options } from 'tsup';
import { library } from '../../tsup.library';

// Decoding threads load `describe-image` by its address; the shim gives `import.meta.url` to CommonJS.
export default { ...(library(['src/index.ts', 'src/main.ts', 'src/embed/describe-image.ts']) as Options), shims: true };
