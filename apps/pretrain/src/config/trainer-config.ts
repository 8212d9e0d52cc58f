import { vitConfig, type VitConfig } from '@dinov2/vit';
import type { Settings } from './schema';

/** The backbone of a run. */
export function modelConfig({ model, crops }: Settings): VitConfig {
  const { size, depth, ffn, patchSize, registers, layerScale } = model;
  return vitConfig(size === 'giant' ? 'giant2' : size, {
    patchSize,
    registers,
    layerScale,
    imageSize: crops.globalSize,
    ...(depth !== null && { depth }),
    ...(ffn !== null && { ffn }),
  });
}

const letters: Readonly<Record<Settings['model']['size'], string>> = { tiny: 'Ti', small: 'S', base: 'B', large: 'L', giant: 'g' };

/** e.g. `ViT-Ti/14, 6 blocks` */
export function modelName(config: VitConfig, { model }: Settings): string {
  const registers = config.registers > 0 ? `, ${config.registers} registers` : '';
  return `ViT-${letters[model.size]}/${config.patchSize}${model.depth === null ? '' : `, ${config.depth} blocks`}${registers}`;
}
