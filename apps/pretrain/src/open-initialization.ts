import type { HostArray } from '@dinov2/jit';
import type { Submodules } from '@dinov2/trainer';
import { resamplePositions, type VitConfig } from '@dinov2/vit';
import { loadPretrained, type Pretrained, WeightsError } from '@dinov2/weights';
import type { Initialization } from './config/initialization';
import type { Settings } from './config/schema';
import { PretrainError } from './error';
import type { RunFolder } from './run/run-folder';

/** Weights that a run begins with: what settings need to know of them, and they themselves. */
export interface OpenedInitialization extends Initialization {
  /** Read them, with a position table for the model of the run. Once only: a second call reads the file again. */
  weights(model: VitConfig): Promise<Partial<Submodules<HostArray>>>;
}

/**
 * Open the weights that settings name, if they name some.
 *
 * @param run - a run that goes on. It knows what it began with, so the weights themselves may be gone.
 * @throws PretrainError if they cannot be read, or no training can begin with them.
 */
export async function openInitialization(
  { init, initHeads }: Pick<Settings, 'init' | 'initHeads'>,
  run: RunFolder | undefined,
): Promise<OpenedInitialization | undefined> {
  if (init === null) return undefined;
  const recorded = run?.initialization();
  let loaded: Pretrained | undefined;
  const load = async (): Promise<Pretrained> => {
    const pretrained = loaded ?? (await read(init, initHeads));
    // The engine gets a copy: a second one is not kept here.
    loaded = undefined;
    return pretrained;
  };
  if (recorded?.path !== init) loaded = await read(init, initHeads);
  return {
    ...(loaded === undefined ? recorded! : describe(init, loaded)),
    async weights(model) {
      const { config, parameters, heads } = await load();
      const { parameters: backbone } = await resamplePositions({ config: { ...config, interpolation: model.interpolation }, parameters }, model.imageSize);
      return { backbone, ...(heads?.dino && { dinoHead: heads.dino }), ...(heads?.ibot && { ibotHead: heads.ibot }) };
    },
  };
}

async function read(path: string, heads: boolean): Promise<Pretrained> {
  const pretrained = await loadPretrained(path, { heads, log: false }).catch((error: unknown) => {
    if (error instanceof WeightsError) throw new PretrainError(`--init ${path}: ${error.message}`);
    throw error;
  });
  if (pretrained.config.positions === 'rope') {
    throw new PretrainError(
      `--init ${path}: a model with rotary positions (DINOv3), which can be used for features and not trained yet; pass weights of DINOv2`,
    );
  }
  return pretrained;
}

function describe(path: string, { config, heads = {}, summary }: Pretrained): Initialization {
  return { path, model: config, heads: (['dino', 'ibot'] as const).filter((name) => heads[name] !== undefined), summary };
}
