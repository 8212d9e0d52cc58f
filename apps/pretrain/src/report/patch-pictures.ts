import { patchImage, photograph } from '@dinov2/app-kit';
import { imageFile, type ImageSource } from '@dinov2/data';
import { colourScores, heat, pca, projectPca } from '@dinov2/evaluation';
import { basename, extname } from 'node:path';
import type { Backbone, FeatureModel } from '../evaluate/feature-model';
import { loadImages, type Reading, view } from '../evaluate/images';

/** One picture with what the backbone makes of its patches; all images are data URIs. */
export interface PatchPicture {
  readonly name: string;
  readonly photograph: string;
  /** First three principal components of the patch features as red, green and blue. */
  readonly before: string;
  readonly after: string;
  /** Attention of the class token in the last block, mean over heads, after training. */
  readonly attention: string;
}

export interface PatchPictureOptions {
  /** Patches along each side. */
  readonly grid: number;
  readonly patchSize: number;
  readonly heads: number;
  readonly reading: Reading;
}

/** Patch features of pictures before and after training. Components are common to all pictures. */
export async function patchPictures(
  model: FeatureModel,
  backbones: { readonly before: Backbone; readonly after: Backbone },
  source: ImageSource,
  { grid, patchSize, heads, reading }: PatchPictureOptions,
): Promise<PatchPicture[]> {
  const { batches, indices } = await loadImages(source, view(grid * patchSize), reading);
  const count = grid * grid;
  const render = async (backbone: Backbone) => {
    const parts: Float32Array[] = [];
    const attention: Float32Array[] = [];
    for (const batch of batches) {
      const maps = await model.patchMaps(backbone, batch);
      parts.push(maps.patches);
      for (let image = 0; image < batch.shape[0]!; image++) {
        attention.push(meanOverHeads(maps.attention.subarray(image * heads * count, (image + 1) * heads * count), heads));
      }
    }
    const data = Float32Array.from(parts.flatMap((part) => [...part]));
    const rows = indices.length * count;
    const features = { data, shape: [rows, data.length / rows] };
    const rgb = colourScores(projectPca(pca(features, 3), features));
    return {
      patches: await Promise.all([...indices].map((_, i) => patchImage(rgb.subarray(i * count * 3, (i + 1) * count * 3), grid))),
      attention: await Promise.all(attention.map((map) => patchImage(heat(map), grid))),
    };
  };
  const before = await render(backbones.before);
  const after = await render(backbones.after);
  return Promise.all(
    [...indices].map(async (index, i) => {
      const path = source.paths[index]!;
      return {
        name: basename(path, extname(path)).replace(/[-_]+/g, ' '),
        photograph: await photograph(await imageFile(source, index), 288, reading),
        before: before.patches[i]!,
        after: after.patches[i]!,
        attention: after.attention[i]!,
      };
    }),
  );
}

/** (heads, N) → (N,) */
function meanOverHeads(attention: Float32Array, heads: number): Float32Array {
  const count = attention.length / heads;
  return Float32Array.from({ length: count }, (_, i) => {
    let sum = 0;
    for (let head = 0; head < heads; head++) sum += attention[head * count + i]!;
    return sum / heads;
  });
}
