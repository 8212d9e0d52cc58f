import koffi from 'koffi';
import { EngineError } from '../errors';

/** koffi gives asynchronous calls 128 KiB of stack, and compilers recurse: as much as it allows, of which pages are taken as they are used. */
const stackBytes = 16 * 2 ** 20;

// Only before the first library is loaded, so when this module is.
try {
  koffi.config({ sync_stack_size: stackBytes, async_stack_size: stackBytes });
} catch {
  // Told where a plugin is loaded.
}

/** @throws EngineError - if another user of koffi was first, with stacks that are too small for a compiler. */
export function checkStacks(): void {
  const { async_stack_size = 0 } = koffi.config();
  if (async_stack_size < stackBytes) {
    throw new EngineError(
      `koffi was in use before @dinov2/engine-xla was imported, with stacks of ${async_stack_size} bytes, too small for a compiler; ` +
        'import @dinov2/engine-xla before an engine is created.',
    );
  }
}
