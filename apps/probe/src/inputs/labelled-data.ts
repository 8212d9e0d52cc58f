import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Dataset, openDataset, openSplits, takeImages } from '@dinov2/data';
import pc from 'picocolors';
import { ProbeError } from '../error';
import { sampleFolder } from './defaults';

/** Training images and one or more test sets with the same classes. */
export interface LabelledData {
  readonly path: string;
  readonly train: Dataset;
  /** The first is the main one. */
  readonly tests: readonly TestSet[];
}

interface TestSet {
  readonly name: string;
  readonly path: string;
  readonly dataset: Dataset;
}

/**
 * Open labelled data: a folder with `train` and `heldout`, `val` or `test`, or training images and `--test PATH`;
 * `--test NAME=PATH` adds further test sets.
 */
export function openLabelledData(data: string | undefined, tests: readonly string[]): LabelledData {
  const path = data ?? sampleFolder();
  const named = tests.map(parseTest);
  const main = named.filter(({ name }) => name === undefined);
  if (main.length > 1) throw new ProbeError(`--test names ${main.length} sets without a name; write --test NAME=PATH for all but one`);
  openDataset(trainPath(path), { requireLabels: true });
  const open = (test?: string) => {
    const splits = openSplits(test === undefined ? path : trainPath(path), { ...(test !== undefined && { test }) });
    return { ...splits, test: labelledOnly(splits.test, test ?? path) };
  };
  const { train, test } = open(main[0]?.path);
  const first = { name: main[0] === undefined ? 'test' : basename(main[0].path), path: main[0]?.path ?? path, dataset: test };
  const extra = named.flatMap(({ name, path: place }) => (name === undefined ? [] : [{ name, path: place, dataset: open(place).test }]));
  return { path, train, tests: [first, ...extra] };
}

/** A test set without its images that have no class, which ImageNet-ReaL's protocol leaves out. */
function labelledOnly(dataset: Dataset, path: string): Dataset {
  const kept = Array.from(dataset.labels.keys()).filter((i) => dataset.labels[i]! >= 0);
  if (kept.length === dataset.paths.length) return dataset;
  if (kept.length === 0) throw new ProbeError(`none of the ${dataset.paths.length} test images of ${path} has a class; put them into a folder per class, or pass a list with labels`);
  console.warn(`${pc.yellow('left out')} ${dataset.paths.length - kept.length} of ${dataset.paths.length} test images of ${path}, which have no class`);
  const { multiLabels } = dataset;
  return {
    ...takeImages(dataset, kept),
    ...(multiLabels && { multiLabels: kept.map((i) => multiLabels[i]!) }),
  };
}

function parseTest(text: string): { name?: string; path: string } {
  const [, name, path] = /^([^=/\\]+)=(.+)$/.exec(text) ?? [];
  return name === undefined || path === undefined ? { path: text } : { name, path };
}

/** The training part of a folder that has parts, else the path itself. */
function trainPath(path: string): string {
  return ['train', 'train.csv', 'train.jsonl'].map((name) => join(path, name)).find((place) => existsSync(place)) ?? path;
}

/** What a result says of the data. */
export function describeLabelledData({ path, train, tests }: LabelledData): { [key: string]: string | number | { [key: string]: number | string } } {
  return {
    path,
    classes: train.classes.length,
    trainingImages: train.paths.length,
    testImages: tests[0]!.dataset.paths.length,
    ...Object.fromEntries(tests.slice(1).map(({ name, path: place, dataset }) => [`test set ${name}`, { path: place, images: dataset.paths.length }])),
  };
}
