import { writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { plotLibrary } from '@dinov2/app-kit';
import { type ImageSource, openFolder, openSource, takeImages } from '@dinov2/data';
import type { Engine } from '@dinov2/jit';
import { parameterCount, parameterShapes } from '@dinov2/vit';
import { readSafetensors } from '@dinov2/weights';
import { isTree, type Tree } from '../config/keys';
import type { Settings } from '../config/schema';
import { modelConfig, modelName } from '../config/trainer-config';
import { PretrainError } from '../error';
import { lastFall } from '../evaluate/fall';
import { type Backbone, featureModel } from '../evaluate/feature-model';
import { readingOf } from '../evaluate/images';
import { headline, KnnEvaluation } from '../evaluate/knn-evaluation';
import type { RunFolder } from '../run/run-folder';
import { neighbourGallery } from './neighbour-gallery';
import { type Report, reportPage } from './page';
import { patchPictures } from './patch-pictures';
import { type MetricsLine, runCharts, spreadCharts } from './run-charts';

/** Patches along each side of the report's pictures. */
const GRID = 24;
const PICTURES = 10;

/** Compute the report of a run on `engine` and write it to `report.html` in its folder. */
export async function writeReport(run: RunFolder, engine: Engine): Promise<string> {
  const settings = run.readSettings();
  const initialization = run.initialization();
  const config = modelConfig(settings, initialization);
  const model = featureModel(engine, config);
  const backbones = { before: await readBackbone(run.initialBackbone), after: await readBackbone(run.backbone) };
  const reading = readingOf(settings);
  const evaluation = await KnnEvaluation.open(settings);

  const shown = pictureSource(settings, evaluation);
  const pictures =
    shown === undefined
      ? []
      : await patchPictures(model, backbones, shown.source, { grid: GRID, patchSize: config.patchSize, heads: config.heads, reading });
  const neighbours = evaluation === undefined ? [] : await neighbourGallery(model, backbones, evaluation, reading);

  const metrics = run.metrics();
  const environments = run.environments();
  // Lines count from 0: the last one's number is one less than the steps done.
  const iterations = (metrics.at(-1)?.iteration ?? -1) + 1;
  const perStep = settings.batchSize * (settings.shards ?? 1) * settings.accumulationSteps;
  const seconds = trainingSeconds(metrics, perStep);
  const evaluations = run.evaluations();
  const k = headline(evaluations[0]?.knn ?? {}, settings.knn);
  const parameters = parameterCount(parameterShapes(config));

  const report: Report = {
    name: basename(resolve(run.path)),
    model: modelName(config),
    iterations,
    images: iterations * perStep,
    minutes: seconds / 60,
    k,
    evaluations,
    rawPixels: run.baseline('raw-pixels'),
    ...(initialization === undefined
      ? { start: 'random weights' }
      : { start: 'loaded weights', startedFrom: initialization.path, randomWeights: run.baseline('random-weights') }),
    fall: evaluation && lastFall(evaluations, k, evaluation.heldout.indices.length),
    heldoutImages: evaluation?.heldout.indices.length,
    classes: evaluation?.folder.classes.length,
    facts: [
      ...(evaluations.length > 0
        ? [{ name: `k-NN, k = ${k}`, value: (100 * evaluations.at(-1)!.knn[k]!).toFixed(1), unit: '% right' }]
        : []),
      { name: 'Backbone', value: (parameters / 1e6).toFixed(parameters < 1e7 ? 1 : 0), unit: 'M parameters' },
      { name: 'Seen', value: (iterations * perStep).toLocaleString('en'), unit: 'images' },
      { name: 'Speed', value: ((iterations * perStep) / seconds).toPrecision(3), unit: 'images / s' },
      { name: 'Engine', value: environments.at(-1)?.engine ?? engine.info.name, unit: environments.at(-1)?.device ?? engine.info.device },
    ],
    charts: [...spreadCharts(evaluations), ...runCharts(metrics)],
    pictures,
    picturesNote: shown?.note ?? '',
    neighbours,
    settings: [...settingsTables(settings), { title: 'Environment', rows: Object.entries(environments.at(-1) ?? {}).map(([key, value]) => [key, String(value)] as const) }],
    command: `dinov2-pretrain --config ${run.file('settings.yaml')} --out NEW_RUN`,
  };
  writeFileSync(run.report, reportPage(report, plotLibrary()));
  return run.report;
}

/** Time spent in steps: each line's speed holds for the steps since the line before. */
function trainingSeconds(metrics: readonly MetricsLine[], perStep: number): number {
  let seconds = 0;
  let before = -1;
  for (const line of metrics) {
    const speed = line['imagesPerSecond'];
    if (typeof speed === 'number' && speed > 0) seconds += ((line.iteration - before) * perStep) / speed;
    before = line.iteration;
  }
  return seconds;
}

async function readBackbone(path: string): Promise<Backbone> {
  const { tensors } = await readSafetensors(path).catch((error: Error) => {
    throw new PretrainError(`no report without the weights: ${error.message} Continue the run to its end first.`, 1);
  });
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { data, shape }]) => [name, { data: data as Float32Array, shape }]),
  );
}

function pictureSource(settings: Settings, evaluation: KnnEvaluation | undefined): { source: ImageSource; note: string } | undefined {
  if (settings.pictures !== null) {
    return { source: some(openFolder(settings.pictures)), note: '' };
  }
  if (evaluation !== undefined) return { source: some(evaluation.folder.heldout), note: 'These pictures are held out.' };
  return settings.data === null ? undefined : { source: some(openSource(settings.data)), note: 'These pictures are of the training data.' };
}

/** A few images of a source, evenly spread. */
function some(source: ImageSource): ImageSource {
  const count = Math.min(PICTURES, source.paths.length);
  const places = Array.from({ length: count }, (_, i) => Math.floor((i * source.paths.length) / count));
  return takeImages(source, places);
}

/** One table for each section of the settings, and one for what stands in none. */
function settingsTables(settings: Settings): Report['settings'] {
  const rows = (tree: Tree, prefix = ''): [string, string][] =>
    Object.entries(tree).flatMap(([key, value]) =>
      isTree(value) ? rows(value, `${prefix}${key}.`) : [[`${prefix}${key}`, show(value)] as [string, string]],
    );
  const entries = Object.entries(settings);
  return [
    { title: 'Run', rows: rows(Object.fromEntries(entries.filter(([, value]) => !isTree(value)))) },
    ...entries.filter(([, value]) => isTree(value)).map(([title, value]) => ({ title, rows: rows(value as Tree) })),
  ];
}

const show = (value: unknown): string =>
  value === null ? '–' : Array.isArray(value) ? value.map(show).join(' … ') : String(value);
