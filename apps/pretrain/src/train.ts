import { cpus } from 'node:os';
import { openSource } from '@dinov2/data';
import type { DeviceArray } from '@dinov2/jit';
import { createTrainer, type Evaluation, imageCrops, type Trainer } from '@dinov2/trainer';
import { parameterCount, parameterShapes } from '@dinov2/vit';
import { writeSafetensors } from '@dinov2/weights';
import pc from 'picocolors';
import type { Settings } from './config/schema';
import { modelName, trainerConfig } from './config/trainer-config';
import { type PickedEngine, pickEngine } from './engine';
import { PretrainError } from './error';
import { featureModel } from './evaluate/feature-model';
import { readingOf } from './evaluate/images';
import { KnnEvaluation, type KnnScores } from './evaluate/knn-evaluation';
import { si } from './format';
import { createProgress, type Progress } from './progress';
import { writeReport } from './report/write-report';
import { RunFolder } from './run/run-folder';
import { version } from './version';

export interface TrainOptions {
  /** Continue a run that is in the folder already. */
  readonly resume: boolean;
  /** Continue it even if its settings or data differ from the given ones. */
  readonly allowChanges: boolean;
  /** What was chosen for the user other than the recipe says. */
  readonly note?: string;
  /** Ends the run after the current step, saved. */
  readonly signal: AbortSignal;
}

/** Train, evaluate and report. `false` if the signal ended it early. */
export async function train(settings: Settings, { resume, allowChanges, note, signal }: TrainOptions): Promise<boolean> {
  const config = trainerConfig(settings);
  const { data, out } = requirePaths(settings);
  const source = openSource(data);
  const run = new RunFolder(out);
  const picked = await pickEngine(settings);
  const { engine } = picked;
  const evaluation = await KnnEvaluation.open(settings);

  if (!resume) run.clear();

  const model = featureModel(engine, config.model);
  let progress: Progress | undefined;
  const say = (text: string) => (progress === undefined ? console.log(text) : progress.say(text));
  const evaluate = async ({ iteration, backbone }: Evaluation): Promise<void> => {
    if (evaluation === undefined) return;
    const knn = await evaluation.score(model, backbone);
    run.addEvaluation({ iteration, knn });
    say(`${pc.green('k-NN')} after ${iteration} steps: ${scores(knn)}`);
  };

  const trainer = await createTrainer(config, {
    engine,
    folder: run.path,
    data: imageCrops(source, readingOf(settings)),
    allowChanges,
    signal,
    onStep: (line) => progress?.step(line),
    onEvaluate: evaluate,
    onWarning: (message) => say(`${pc.yellow('warning')} ${message}`),
  }).catch((error: Error) => {
    // The trainer speaks of its option; here it is a flag.
    error.message = error.message.replace('allow changes to', 'pass --allow-changes to');
    throw error;
  });
  const first = trainer.iteration;
  run.writeSettings(settings);
  run.addEnvironment(describeEnvironment(picked));
  printStart({ settings, picked, run, first, images: source.paths.length, evaluation, note });

  if (first === 0) {
    await saveInitial(run, trainer);
    if (evaluation !== undefined) {
      const pixels = evaluation.rawPixels();
      run.writeRawPixels(pixels);
      say(`${pc.green('k-NN')} of raw pixels: ${scores(pixels)}`);
      await evaluate(trainer.evaluation());
    }
  }
  let finished: boolean;
  progress = createProgress({ iterations: config.iterations, first, every: config.logEvery });
  try {
    finished = await trainer.run();
  } finally {
    progress.end();
    progress = undefined;
  }
  if (!finished) {
    console.log(`stopped after step ${trainer.iteration} and saved; the same command continues it`);
  } else {
    if (run.evaluations().at(-1)?.iteration !== trainer.iteration) await evaluate(trainer.evaluation());
    console.log(`report   ${await writeReport(run, engine)}`);
    console.log(`weights  ${run.backbone}`);
  }
  trainer.dispose();
  await engine.dispose();
  return finished;
}

function requirePaths({ data, out }: Settings): { data: string; out: string } {
  if (data === null) throw new PretrainError('no images: pass --data DIR, or no argument at all for the shipped sample');
  if (out === null) throw new PretrainError('no run folder: pass --out RUN');
  return { data, out };
}

async function saveInitial(run: RunFolder, trainer: Trainer): Promise<void> {
  const { backbone } = trainer.evaluation();
  const lazy = (array: DeviceArray) => ({ shape: array.shape, dtype: 'F32' as const, load: () => array.data() });
  await writeSafetensors(run.initialBackbone, Object.fromEntries(Object.entries(backbone).map(([name, array]) => [name, lazy(array)])));
}

function describeEnvironment({ engine: { info } }: PickedEngine) {
  return {
    engine: info.name,
    device: info.device,
    precision: info.precision,
    runtime: info.runtime,
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    version,
    startedAt: new Date().toISOString(),
  };
}

interface Start {
  readonly settings: Settings;
  readonly picked: PickedEngine;
  readonly run: RunFolder;
  readonly first: number;
  readonly images: number;
  readonly evaluation: KnnEvaluation | undefined;
  readonly note: string | undefined;
}

function printStart({ settings, picked, run, first, images, evaluation, note }: Start): void {
  const config = trainerConfig(settings);
  const { info } = picked.engine;
  const perStep = settings.batchSize * settings.accumulationSteps;
  const lines: [string, string][] = [
    ['model', `${modelName(config.model, settings)}, ${si(parameterCount(parameterShapes(config.model)))} parameters`],
    ['data', `${images} images in ${settings.data}`],
    ...(evaluation === undefined
      ? []
      : [['k-NN', `${evaluation.heldout.indices.length} held-out images, ${evaluation.folder.classes.length} labels, from ${settings.eval}`] as [string, string]]),
    ['engine', `${info.name} (${info.runtime}) on ${info.device}, ${info.precision}: ${picked.reason}`],
    ['length', `${settings.iterations} steps of ${perStep} images, ${((settings.iterations * perStep) / images).toFixed(1)} passes over the data`],
    ...(note === undefined ? [] : [['batch', note] as [string, string]]),
    ['run', `${run.path}${first === 0 ? '' : first >= settings.iterations ? ', finished before; only its report is made again (--no-resume trains anew)' : `, continued after step ${first}`}`],
  ];
  console.log(pc.bold(`dinov2-pretrain ${version}`));
  for (const [name, text] of lines) console.log(`${name.padEnd(8)} ${text}`);
}

const scores = (knn: KnnScores): string =>
  Object.entries(knn).map(([k, accuracy]) => `${(100 * accuracy).toFixed(1)} % (k = ${k})`).join(', ');
