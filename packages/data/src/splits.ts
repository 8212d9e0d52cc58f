import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { type Dataset, type DatasetOptions, openDataset } from './dataset';
import { DataError } from './error';
import { nameSome } from './name-some';

/** Images to learn from and images to be judged on, with the same classes. */
export interface Splits {
  readonly train: Dataset;
  readonly test: Dataset;
}

export interface SplitsOptions extends Pick<DatasetOptions, 'allowMissing' | 'requireLabels'> {
  /** Folder or list of the test images; `path` is then that of the training images. */
  readonly test?: string;
}

const testNames = ['heldout', 'val', 'validation', 'test'] as const;
const listEndings = ['.csv', '.jsonl'] as const;

/**
 * Open training and test images: a folder with `train` and one of `heldout`, `val`, `validation` or `test`
 * (the first of these) in it, each a folder or a `.csv` or `.jsonl` list that `openDataset` opens.
 *
 * @returns both with the classes of the training images, in their order.
 * @throws DataError when a part is missing, or test images have classes that no training image has.
 */
export function openSplits(path: string, { test, ...options }: SplitsOptions = {}): Splits {
  const trainPath = test === undefined ? findSplit(path, ['train']) : path;
  const testPath = test ?? findSplit(path, testNames);
  const train = openDataset(trainPath, options);
  return { train, test: withClasses(openDataset(testPath, options), train, testPath, trainPath) };
}

function findSplit(folder: string, names: readonly string[]): string {
  const places = names.flatMap((name) => ['', ...listEndings].map((ending) => join(folder, name + ending)));
  const found = places.find((place) => existsSync(place));
  if (found === undefined) {
    throw new DataError(
      `no ${names.join('/, ')}/ (or ${names[0]}.csv, ${names[0]}.jsonl) in ${folder}; put one there, or name the test images by themselves`,
    );
  }
  return found;
}

/** A data set with the class numbers of another. */
function withClasses(dataset: Dataset, { classes }: Dataset, path: string, trainPath: string): Dataset {
  const unknown = dataset.classes.filter((name) => !classes.includes(name));
  if (unknown.length > 0) {
    throw new DataError(
      `${unknown.length} classes of ${path} have no image in ${trainPath}: ${nameSome(unknown)}; add training images of them, or leave them out`,
    );
  }
  const code = (label: number) => (label < 0 ? label : classes.indexOf(dataset.classes[label]));
  const { labels, multiLabels } = dataset;
  return {
    ...dataset,
    classes,
    labels: labels.map(code),
    ...(multiLabels !== undefined && { multiLabels: multiLabels.map((labels) => labels.map(code)) }),
  };
}
