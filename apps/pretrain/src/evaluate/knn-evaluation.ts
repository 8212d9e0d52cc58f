import { accuracy, type Features, knn } from '@dinov2/evaluation';
import type { Engine, HostArray } from '@dinov2/jit';
import type { Backbone, FeatureModel } from './feature-model';
import { type LoadedImages, loadImages, readingOf, view } from './images';
import type { Settings } from '../config/schema';
import { type FeatureSpread, featureSpread } from './feature-spread';
import { type LabelledFolder, openLabelledFolder } from './labelled-folder';

/** Accuracy on held-out images by number of neighbours. */
export type KnnScores = Readonly<Record<string, number>>;

// Side to which images are averaged for the raw-pixel baseline: 3072 numbers each.
const PIXEL_SIDE = 32;

/** The number of neighbours that is spoken of first: of those that the settings name, the first that was computed. */
export function headline(knn: KnnScores, { k }: Pick<Settings['knn'], 'k'>): number {
  return k.find((count) => count in knn) ?? Number(Object.keys(knn)[0] ?? k[0]);
}

/** k-NN on a labelled folder. Images are read once and kept. */
export class KnnEvaluation {
  private constructor(
    readonly folder: LabelledFolder,
    readonly train: LoadedImages,
    readonly heldout: LoadedImages,
    private readonly settings: Pick<Settings['knn'], 'k' | 'temperature'> & { readonly engine?: Engine },
  ) {}

  /** Of the folder that the settings name, if they name one. An engine makes the search faster. */
  static async open(
    settings: Pick<Settings, 'eval' | 'knn' | 'crops' | 'workers' | 'autoOrient'>,
    engine?: Engine,
  ): Promise<KnnEvaluation | undefined> {
    const { eval: path, knn, crops } = settings;
    if (path === null) return undefined;
    const folder = openLabelledFolder(path);
    const seen = view(knn.crop ?? crops.globalSize, knn.resize);
    const train = await loadImages(folder.train, seen, readingOf(settings));
    const heldout = await loadImages(folder.heldout, seen, readingOf(settings));
    const k = knn.k.filter((count) => count <= train.indices.length);
    return new KnnEvaluation(folder, train, heldout, { temperature: knn.temperature, k: k.length > 0 ? k : [1], engine });
  }

  get trainLabels(): Int32Array {
    return this.train.indices.map((index) => this.folder.train.labels[index]!);
  }

  get heldoutLabels(): Int32Array {
    return this.heldout.indices.map((index) => this.folder.heldoutLabels[index]!);
  }

  /** Accuracy of the class token, and how far held-out class tokens lie apart. */
  async measure(model: FeatureModel, backbone: Backbone): Promise<{ knn: KnnScores; spread: FeatureSpread }> {
    const heldout = await clsFeatures(model, backbone, this.heldout);
    return { knn: await this.scores(await clsFeatures(model, backbone, this.train), heldout), spread: featureSpread(heldout) };
  }

  /** Accuracy of the pixels themselves, averaged to 32 × 32. */
  rawPixels(): Promise<KnnScores> {
    return this.scores(pixelFeatures(this.train), pixelFeatures(this.heldout));
  }

  private async scores(train: Features, heldout: Features): Promise<KnnScores> {
    const labels = this.heldoutLabels;
    const predictions = await knn(train, this.trainLabels, heldout, this.settings);
    return Object.fromEntries(predictions.map((p) => [p.k, accuracy(p.labels, labels)]));
  }
}

/** (images, D) class tokens. */
export async function clsFeatures(model: FeatureModel, backbone: Backbone, images: LoadedImages): Promise<Features> {
  const parts: Float32Array[] = [];
  for (const batch of images.batches) parts.push(await model.clsToken(backbone, batch));
  return join(parts, images.indices.length);
}

function pixelFeatures(images: LoadedImages): Features {
  return join(images.batches.map(averagePixels), images.indices.length);
}

/** (B, S, S, 3) → (B, 32 · 32 · 3) by averaging the pixels that fall into each cell. */
function averagePixels({ data, shape }: HostArray): Float32Array {
  const [batch, side] = shape as readonly [number, number, number, number];
  const cells = Math.min(PIXEL_SIDE, side);
  const result = new Float32Array(batch * cells * cells * 3);
  for (let b = 0; b < batch; b++) {
    for (let y = 0; y < cells; y++) {
      for (let x = 0; x < cells; x++) {
        const [top, bottom] = [Math.floor((y * side) / cells), Math.ceil(((y + 1) * side) / cells)];
        const [left, right] = [Math.floor((x * side) / cells), Math.ceil(((x + 1) * side) / cells)];
        for (let channel = 0; channel < 3; channel++) {
          let sum = 0;
          for (let i = top; i < bottom; i++) {
            for (let j = left; j < right; j++) sum += data[((b * side + i) * side + j) * 3 + channel]!;
          }
          result[((b * cells + y) * cells + x) * 3 + channel] = sum / ((bottom - top) * (right - left));
        }
      }
    }
  }
  return result;
}

function join(parts: readonly Float32Array[], rows: number): Features {
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    data.set(part, offset);
    offset += part.length;
  }
  return { data, shape: [rows, data.length / rows] };
}
