import { cpus } from 'node:os';
import { type HostsRequest, type PickedEngine, pickEngine, si } from '@dinov2/app-kit';
import { openSource } from '@dinov2/data';
import type { Engine } from '@dinov2/jit';
import { createTrainer, drawStudent, type Evaluation, imageCrops, imagesPerStep, type Trainer, type TrainerConfig } from '@dinov2/trainer';
import { parameterCount, parameterShapes, type VitConfig } from '@dinov2/vit';
import { saveBackbone } from '@dinov2/weights';
import pc from 'picocolors';
import { describeInitialization } from './config/describe-initialization';
import type { Initialization } from './config/initialization';
import type { Settings } from './config/schema';
import { modelName, trainerConfig, withShards } from './config/trainer-config';
import { PretrainError } from './error';
import { describeFall, lastFall } from './evaluate/fall';
import { featureModel } from './evaluate/feature-model';
import { readingOf } from './evaluate/images';
import { headline, KnnEvaluation, type KnnScores } from './evaluate/knn-evaluation';
import type { OpenedInitialization } from './open-initialization';
import { createTrainingProgress, type TrainingProgress } from './progress';
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
  /** The weights to begin with. */
  readonly initialization?: OpenedInitialization;
  /** Train together with processes on other hosts. */
  readonly hosts?: HostsRequest;
  /** Ends the run after the current step, saved. */
  readonly signal: AbortSignal;
  /** Called before the first step: from here on the signal is heeded. */
  readonly onBegin?: () => void;
}

/** Train, evaluate and report. `false` if the signal ended it early. */
export async function train(asked: Settings, { resume, allowChanges, note, initialization, hosts, signal, onBegin }: TrainOptions): Promise<boolean> {
  // What is wrong with the settings is said before an engine starts.
  trainerConfig(asked, initialization);
  const { data, out } = requirePaths(asked);
  const source = openSource(data);
  // Of several processes the first one keeps the folder and speaks.
  const speaks = hosts === undefined || hosts.index === 0;
  const run = new RunFolder(out, speaks);
  const picked = await pickEngine({ ...asked, hosts });
  const { engine, precision } = picked;
  const settings = withShards(asked, engine, resume ? run.shards() : null);
  const config = trainerConfig(settings, initialization);
  const evaluation = await KnnEvaluation.open(settings, engine);

  if (!resume) run.clear();

  const model = featureModel(engine, config.model);
  let progress: TrainingProgress | undefined;
  const say = (text: string) => (!speaks ? undefined : progress === undefined ? console.log(text) : progress.say(text));
  // Of several processes all have to agree on it, and only the first one sees at once what it writes.
  let evaluated: number | undefined;
  const evaluate = async ({ iteration, backbone }: Evaluation): Promise<void> => {
    if (evaluation === undefined) return;
    const { knn, spread } = await evaluation.measure(model, backbone);
    evaluated = iteration;
    if (!speaks) return;
    run.addEvaluation({ iteration, knn, spread });
    say(`${pc.green('k-NN')} ${iteration === 0 && initialization !== undefined ? 'of the loaded weights' : `after ${iteration} ${iteration === 1 ? 'step' : 'steps'}`}: ${scores(knn)}`);
    const fall = lastFall(run.evaluations(), headline(knn, settings.knn), evaluation.heldout.indices.length);
    if (fall?.iteration === iteration) say(`${pc.yellow('warning')} ${describeFall(fall)}`);
  };

  const trainer = await createTrainer(config, {
    engine,
    precision,
    folder: run.path,
    data: imageCrops(source, readingOf(settings)),
    ...(initialization && { initialWeights: () => initialization.weights(config.model) }),
    allowChanges,
    signal,
    onStep: (line) => progress?.step(line),
    onEvaluate: evaluate,
    onWarning: (message) => say(`${pc.yellow('warning')} ${message}`),
  }).catch((error: Error) => {
    // The trainer speaks of its options; here they are flags and keys.
    error.message = error.message.replace('allow changes to', 'pass --allow-changes to').replace('leave the heads out', 'pass initHeads=false for fresh heads');
    throw error;
  });
  const first = trainer.iteration;
  evaluated = run.evaluations().at(-1)?.iteration;
  run.writeSettings(settings);
  if (initialization !== undefined) run.writeInitialization(initialization);
  run.addEnvironment(describeEnvironment(picked));
  if (speaks) printStart({ settings, config, initialization, picked, run, first, images: source.paths.length, evaluation, note });

  if (first === 0) {
    await saveInitial(run, trainer, config.model);
    if (evaluation !== undefined) {
      const pixels = await evaluation.rawPixels();
      run.writeBaseline('raw-pixels', pixels);
      say(`${pc.green('k-NN')} of raw pixels: ${scores(pixels)}`);
      if (initialization !== undefined) {
        const { knn } = await evaluation.measure(model, (await drawStudent(config)).backbone);
        run.writeBaseline('random-weights', knn);
        say(`${pc.green('k-NN')} of random weights: ${scores(knn)}`);
      }
      await evaluate(trainer.evaluation());
    }
  }
  let finished: boolean;
  if (speaks) progress = createTrainingProgress({ iterations: config.iterations, first, every: config.logEvery, frozenUntil: config.optimizer.freezeBackboneIterations });
  try {
    onBegin?.();
    finished = await trainer.run();
  } finally {
    progress?.end();
    progress = undefined;
  }
  if (!finished) {
    say(`stopped after step ${trainer.iteration} and saved; the same command continues it`);
  } else {
    if (evaluated !== trainer.iteration) await evaluate(trainer.evaluation());
    if (speaks) say(`report   ${await reportOf(run, engine)}`);
    say(`weights  ${run.backbone}`);
    // A checkout has no dinov2-weights on its path; `npm run` tells its scripts who they are.
    const convert = `${process.env['npm_lifecycle_event'] === 'pretrain' ? 'npm run weights --' : 'npx dinov2-weights'} convert ${run.path}`;
    say(`next     ${convert} OUT --to huggingface`);
    say(`         ${convert} OUT.onnx --to onnx`);
  }
  trainer.dispose();
  await engine.dispose();
  return finished;
}

/** Where devices of several hosts have to work together, the report is computed on this one's processor. */
async function reportOf(run: RunFolder, engine: Engine): Promise<string> {
  if (engine.hosts === undefined) return writeReport(run, engine);
  const { engine: own } = await pickEngine({ engine: 'onnx' });
  const path = await writeReport(run, own);
  await own.dispose();
  return path;
}

function requirePaths({ data, out }: Settings): { data: string; out: string } {
  if (data === null) throw new PretrainError('no images: pass --data DIR, or no argument at all for the shipped sample');
  if (out === null) throw new PretrainError('no run folder: pass --out RUN');
  return { data, out };
}

async function saveInitial(run: RunFolder, trainer: Trainer, config: VitConfig): Promise<void> {
  const parameters = await trainer.evaluation().readBackbone();
  if (run.writes) await saveBackbone(run.initialBackbone, { config, parameters });
}

function describeEnvironment({ engine: { info }, precision }: PickedEngine) {
  return {
    engine: info.name,
    device: info.device,
    precision: precision.name,
    runtime: info.runtime,
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    version,
    startedAt: new Date().toISOString(),
  };
}

interface Start {
  readonly settings: Settings;
  readonly config: TrainerConfig;
  readonly initialization: Initialization | undefined;
  readonly picked: PickedEngine;
  readonly run: RunFolder;
  readonly first: number;
  readonly images: number;
  readonly evaluation: KnnEvaluation | undefined;
  readonly note: string | undefined;
}

function printStart({ settings, config, initialization, picked, run, first, images, evaluation, note }: Start): void {
  const { info } = picked.engine;
  const perStep = imagesPerStep(config);
  const lines: [string, string][] = [
    ['model', `${modelName(config.model)}, ${si(parameterCount(parameterShapes(config.model)))} parameters`],
    ...(initialization === undefined ? [] : describeInitialization(initialization, config)),
    ['data', `${images} images in ${settings.data}`],
    ...(evaluation === undefined
      ? initialization === undefined ? [] : [['k-NN', 'none: without --eval nothing tells whether features get worse'] as [string, string]]
      : [['k-NN', `${evaluation.heldout.indices.length} held-out images, ${evaluation.folder.classes.length} labels, from ${settings.eval}`] as [string, string]]),
    ['engine', `${info.name} (${info.runtime}) on ${info.device}, ${picked.precision.name}: ${picked.reason}`],
    ['length', `${settings.iterations} steps of ${perStep} images, ${((settings.iterations * perStep) / images).toFixed(1)} passes over the data`],
    ...(note === undefined ? [] : [['batch', note] as [string, string]]),
    ['run', `${run.path}${first === 0 ? '' : first >= settings.iterations ? ', finished before; only its report is made again (--no-resume trains anew)' : `, continued after step ${first}`}`],
  ];
  console.log(pc.bold(`dinov2-pretrain ${version}`));
  for (const [name, text] of lines) console.log(`${name.padEnd(8)} ${text}`);
}

const scores = (knn: KnnScores): string =>
  Object.entries(knn).map(([k, accuracy]) => `${(100 * accuracy).toFixed(1)} % (k = ${k})`).join(', ');
