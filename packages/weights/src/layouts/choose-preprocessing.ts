import { type Preprocessing, preprocessings } from '@dinov2/augment';
import type { VitConfig } from '@dinov2/vit';
import type { Layout } from './layout';

/**
 * The preprocessing of a model that has no description of it: that of the program whose layout it is.
 *
 * @param satellite - whether it was trained on satellite pictures.
 * @param ownSize - whether the table's size is that of the training crops, as in runs of this project.
 */
export function choosePreprocessing(
  layout: Layout,
  { patchSize, imageSize, positions }: VitConfig,
  { satellite, ownSize }: { readonly satellite: boolean; readonly ownSize: boolean },
): Preprocessing {
  const family = positions === 'rope' ? (satellite ? 'dinov3-sat' : 'dinov3') : 'dinov2';
  const suffix = layout.name.startsWith('huggingface') ? '-transformers' : layout.name.startsWith('timm') ? '-timm' : '';
  const preset = preprocessings[`${family}${suffix}`];
  const size = preset.crop ?? ('shortestEdge' in preset.resize ? undefined : preset.resize);
  const side = size?.height ?? imageSize;
  // A timm model takes one size alone; others any multiple of the patch, so the preset's is kept where it is one.
  const wanted = ownSize || (layout.name === 'timm-dinov2' && positions === 'table') ? imageSize : Math.max(1, Math.round(side / patchSize)) * patchSize;
  if (wanted === side) return preset;
  const scale = wanted / side;
  const scaled = (length: number): number => Math.round(length * scale);
  const { resize, crop } = preset;
  return {
    ...preset,
    resize: 'shortestEdge' in resize ? { shortestEdge: scaled(resize.shortestEdge) } : { height: scaled(resize.height), width: scaled(resize.width) },
    ...(crop && { crop: { height: wanted, width: wanted } }),
  };
}
