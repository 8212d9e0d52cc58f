import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageSource, openFolder } from '@dinov2/data';
import { PretrainError } from '../error';

/** Two sets of labelled images with the same classes. */
export interface LabelledFolder {
  readonly train: ImageSource;
  readonly heldout: ImageSource;
  readonly classes: readonly string[];
  /** Class of each held-out image by its place in `classes`. */
  readonly heldoutLabels: Int32Array;
}

const heldoutNames = ['heldout', 'val', 'test'];

/** Open `folder/train/<label>/` and `folder/heldout/<label>/` (or `val`, `test`). */
export function openLabelledFolder(folder: string): LabelledFolder {
  const heldoutName = heldoutNames.find((name) => existsSync(join(folder, name)));
  if (!existsSync(join(folder, 'train')) || heldoutName === undefined) {
    throw new PretrainError(
      `${folder} has no train/ and heldout/ in it; --eval expects ${folder}/train/<label>/*.jpg and ${folder}/heldout/<label>/*.jpg`,
    );
  }
  const train = openFolder(join(folder, 'train'));
  const heldout = openFolder(join(folder, heldoutName));
  for (const [part, source] of [['train', train], [heldoutName, heldout]] as const) {
    const bare = source.labels.indexOf(-1);
    if (bare >= 0) {
      throw new PretrainError(`${source.paths[bare]} stands in no label's folder; move it to ${join(folder, part)}/<label>/`);
    }
  }
  const place = new Map(train.classes.map((name, i) => [name, i]));
  const strange = heldout.classes.find((name) => !place.has(name));
  if (strange !== undefined) {
    throw new PretrainError(`the label ${strange} is in ${join(folder, heldoutName)} but not in ${join(folder, 'train')}; every held-out label needs training images`);
  }
  return {
    train,
    heldout,
    classes: train.classes,
    heldoutLabels: Int32Array.from(heldout.labels, (label) => place.get(heldout.classes[label]!)!),
  };
}
