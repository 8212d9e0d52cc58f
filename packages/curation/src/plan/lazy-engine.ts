import { type EngineChoice, pickEngine } from '@dinov2/app-kit';
import type { Engine } from '@dinov2/jit';

/** An engine that is made when it is first needed. */
export function lazyEngine(engine: EngineChoice): { open(): Promise<Engine>; dispose(): Promise<void> } {
  let opening: Promise<Engine> | undefined;
  return {
    open: () => (opening ??= pickEngine({ engine }).then((picked) => picked.engine)),
    async dispose() {
      await (await opening)?.dispose();
    },
  };
}
