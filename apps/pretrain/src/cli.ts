import { basename, extname, join, resolve } from 'node:path';
import { backendChoices, type EngineRequest, engineChoices, type HostsRequest, precisionChoices } from '@dinov2/app-kit';
import { Command, InvalidArgumentError, Option } from 'commander';
import { cpuLayer, cpuNote } from './config/cpu-layer';
import { type Initialization, recipeOfWeights, weightsLayer } from './config/initialization';
import { configLayer, recipeNames, recipeOfModel, sampleFolder } from './config/recipes';
import { type Layer, optionLayer, overrideLayer } from './config/layer';
import { resolveSettings } from './config/resolve';
import { type ModelSize, type Settings, settingsSchema } from './config/schema';
import { scaleLength } from './config/trainer-config';
import { PretrainError } from './error';

/** What the command line asks for. */
export type Invocation =
  | ({ readonly kind: 'train'; readonly resume: boolean; readonly allowChanges: boolean; readonly hosts?: HostsRequest } & Requested)
  | ({ readonly kind: 'dry-run' } & Requested)
  | { readonly kind: 'report'; readonly folder: string; readonly settings: EngineRequest }
  | { readonly kind: 'engines' };

interface Requested extends Resolved {
  /**
   * The same request once the weights are known that `settings.init` names. Until then `settings.model`
   * and what a recipe says of such a model are not those of the run.
   *
   * @throws PretrainError if the user asked for another model.
   */
  withWeights(initialization: Initialization): Resolved;
}

interface Resolved {
  readonly settings: Settings;
  /** What was chosen for the user other than the recipe says. */
  readonly note?: string;
}

type Flags = Record<string, string | boolean | object | undefined>;

/** Options that set one key of the configuration. */
const keyOptions: readonly { readonly flag: string; readonly key: string; readonly text: string; readonly number?: boolean; readonly choices?: readonly string[] }[] = [
  { flag: '--data <dir>', key: 'data', text: 'folder of images or of tar files to learn from, a .tar, or a list (.txt, .csv, .jsonl, .parquet)' },
  { flag: '--model <size>', key: 'model.size', text: 'picks a recipe and the size of the network', choices: Object.keys(recipeOfModel) },
  { flag: '--init <weights>', key: 'init', text: 'weights to start from: a run, a Hugging Face folder, .safetensors or .pth' },
  { flag: '--out <run>', key: 'out', text: 'run folder; a run that is there continues' },
  { flag: '--eval <dir>', key: 'eval', text: 'labelled folder, train/<label>/ and heldout/<label>/, for k-NN accuracy' },
  { flag: '--batch-size <n>', key: 'batchSize', text: 'images per compiled step; of several devices, of each', number: true },
  { flag: '--seed <n>', key: 'seed', text: 'source of all randomness', number: true },
  { flag: '--workers <n>', key: 'workers', text: 'decoding threads (default: cores - 1)', number: true },
];

/** What picks an engine; their names are keys of the configuration. */
const engineOptions = () => [
  new Option('--engine <name>', 'what computes; `dinov2-pretrain engines` lists them').choices([...engineChoices]),
  new Option('--backend <name>', 'TensorFlow.js backend of the eager engine').choices([...backendChoices]),
  new Option('--plugin <path>', 'PJRT plugin of the engine xla (default: the first that finds a device)'),
  new Option('--mesh <data>x<fsdp>', 'devices of the engine xla: the batch is split over all, the state over fsdp').argParser(readMesh),
  new Option('--precision <name>', 'number format of products and activations').choices([...precisionChoices]),
];

function readMesh(text: string): Settings['mesh'] {
  const [, data, fsdp] = /^([1-9]\d*)x([1-9]\d*)$/.exec(text) ?? [];
  if (data === undefined) throw new InvalidArgumentError('expected two numbers of devices, e.g. 1x8');
  return { data: Number(data), fsdp: Number(fsdp) };
}

const examples = `
Examples:
  dinov2-pretrain                                     train on the shipped sample, two to five minutes
  dinov2-pretrain --data photos --model tiny --out runs/photos
  dinov2-pretrain --data photos --model small --eval labelled --steps 2000 --out runs/small
  dinov2-pretrain --init dinov2-small --data photos --eval labelled --steps 1000
                                                      continue from released weights
  dinov2-pretrain --config vitl14 --data imagenet-22k --out runs/vitl14 --dry-run
  dinov2-pretrain --config my.yaml optimizer.baseLearningRate=1e-3 'knn.k=[10, 20]'
  dinov2-pretrain --config vitl14 --data imagenet-22k --engine xla --mesh 1x8
                                                      on eight devices, the state split over all of them
  srun dinov2-pretrain --config vitg14 --data imagenet-22k --engine xla --store redis://head:6379
                                                      one process on each host of a Slurm job
  dinov2-pretrain engines                             what can compute here
  dinov2-pretrain report runs/photos                  make report.html again

Recipes (--config NAME): ${recipeNames().join(', ')}
--model picks ${Object.entries(recipeOfModel).map(([size, recipe]) => `${size}: ${recipe}`).join(', ')}.

Any key of a recipe can be given as key=value. A run stopped with Ctrl-C is saved first; the same
command continues it. Exit codes: 0 finished, 1 failed, 2 wrong arguments or data, 130 stopped.
With DEBUG=1 in the environment an error is shown with its stack.`;

/** Read a command line. Help and version end the process, as commander does. */
export function parseCommandLine(words: readonly string[], version: string): Invocation {
  let invocation: Invocation | undefined;
  const program = new Command('dinov2-pretrain')
    .description('Pretrain a vision transformer on a folder of pictures, without labels (DINOv2).')
    .version(version)
    .argument('[key=value...]', 'settings over those of the recipe')
    .addOption(new Option('--config <recipe|file>', 'a recipe by name, or a YAML file'));
  for (const { flag, text, choices } of keyOptions) {
    program.addOption(choices === undefined ? new Option(flag, text) : new Option(flag, text).choices(choices));
  }
  program
    .addOption(new Option('--steps <n>', 'length of the run; warm-ups and intervals keep their share of it'))
    .addOption(new Option('--freeze-backbone <n>', 'steps in which only heads learn (default with --init: the warm-up, 0 with heads)'))
    .option('--dry-run', 'say model, cost, memory and time, and stop')
    .option('--no-resume', 'delete the run in the folder and start anew')
    .option('--allow-changes', 'continue a run with settings or data other than those it began with')
    .addHelpText('after', examples)
    .action((overrides: string[], flags: Flags) => {
      const resume = flags['resume'] !== false;
      const allowChanges = flags['allowChanges'] === true;
      if (!resume && allowChanges) throw new PretrainError('--no-resume deletes the run that --allow-changes would continue; leave out one of them');
      const requested: Requested = { ...request(overrides, flags), withWeights: (initialization) => request(overrides, flags, initialization) };
      if (flags['dryRun'] === true && flags['store'] !== undefined) throw new PretrainError('--dry-run looks at the devices of this host alone; leave out --store');
      invocation = flags['dryRun'] === true ? { kind: 'dry-run', ...requested } : { kind: 'train', ...requested, resume, allowChanges, ...hostsOf(flags, requested.settings.out!) };
    });
  engineOptions().forEach((option) => program.addOption(option));
  program
    .addOption(new Option('--store <url>', 'train with processes on other hosts, which meet in a Redis (redis://host:6379) or etcd (http://host:2379)'))
    .addOption(new Option('--hosts <n>', 'processes, one per host (default: SLURM_NTASKS)'))
    .addOption(new Option('--host <i>', 'number of this process, from 0 (default: SLURM_PROCID or JOB_COMPLETION_INDEX)'));
  program
    .command('engines')
    .description('list what can compute here, what cannot and why, and how to get it')
    .action(() => {
      invocation = { kind: 'engines' };
    });
  const report = program.command('report').description('compute report.html of a run again').argument('<run>', 'run folder');
  engineOptions().forEach((option) => report.addOption(option));
  report.action((folder: string, _own: Flags, command: Command) => {
    // Options stand before or after the subcommand's name.
    const { engine, backend, plugin, mesh, precision } = command.optsWithGlobals<Flags>();
    const settings = settingsSchema.pick({ engine: true, backend: true, plugin: true, mesh: true, precision: true }).parse({ engine, backend, plugin, mesh, precision });
    invocation = { kind: 'report', folder, settings };
  });
  for (const command of [program, ...program.commands]) {
    command.exitOverride((error) => {
      if (error.exitCode === 0) process.exit(0);
      // commander has printed its sentence.
      throw new PretrainError('');
    });
  }
  program.parse(words, { from: 'user' });
  return invocation!;
}

/** Which process of several this one is, by flags or by what Slurm and Kubernetes say. */
function hostsOf(flags: Flags, out: string): { hosts?: HostsRequest } {
  const { env } = process;
  const store = flags['store'] as string | undefined;
  if (store === undefined) {
    for (const name of ['hosts', 'host']) if (flags[name] !== undefined) throw new PretrainError(`--${name} says nothing without --store, where the processes meet`);
    return {};
  }
  if (!/^(rediss?|https?):\/\/./.test(store)) throw new PretrainError(`--store ${store}: expected redis://host:6379 or http://host:2379`);
  const count = wholeNumber({ hosts: flags['hosts'] ?? env['SLURM_NTASKS'] }, 'hosts', '--hosts', 1);
  const index = wholeNumber({ host: flags['host'] ?? env['SLURM_PROCID'] ?? env['JOB_COMPLETION_INDEX'] }, 'host', '--host', 0);
  if (count === undefined || index === undefined) throw new PretrainError('--store needs --hosts and --host, which process of how many this is; Slurm tells both');
  if (index >= count) throw new PretrainError(`--host ${index} of ${count}: processes count from 0`);
  return { hosts: { store, index, count, run: resolve(out) } };
}

function request(overrides: readonly string[], flags: Flags, initialization?: Initialization): Resolved {
  const model = flags['model'] as ModelSize | undefined;
  const config = flags['config'] as string | undefined;
  const byModel = model === undefined && initialization !== undefined ? recipeOfWeights(initialization.model) : recipeOfModel[model ?? 'tiny'];
  const base = config ?? byModel;
  const given = new Map<string, { value: unknown; option: string }>();
  for (const { flag, key, number } of keyOptions) {
    const option = flag.split(' ')[0]!;
    const value = flags[option.slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())];
    if (value !== undefined) given.set(key, { value: number ? Number(value) : value, option });
  }
  for (const key of ['engine', 'backend', 'plugin', 'mesh', 'precision']) if (flags[key] !== undefined) given.set(key, { value: flags[key], option: `--${key}` });
  const recipe = configLayer(base);
  const user: Layer[] = [optionLayer(given), overrideLayer(overrides)];
  // A recipe that the user named asks for its model too.
  const above = initialization === undefined ? user : [...user, weightsLayer(initialization, config === undefined ? user : [recipe, ...user])];
  const asWritten = resolveSettings([recipe, ...above]);
  const onCpu = asWritten.engine !== 'xla' && asWritten.engine !== 'tensorflow' && asWritten.backend !== 'tensorflow' && asWritten.plugin === null;
  const fitted = config === undefined && onCpu ? cpuLayer(asWritten) : undefined;
  const resolved = withDefaultPaths(fitted === undefined ? asWritten : resolveSettings([recipe, fitted, ...above]));
  const settings = frozen(scaled(resolved, flags), flags, initialization);
  return { settings, ...(fitted !== undefined && { note: cpuNote(settings, base) }) };
}

function scaled(settings: Settings, flags: Flags): Settings {
  const steps = wholeNumber(flags, 'steps', '--steps', 1);
  return steps === undefined ? settings : scaleLength(settings, steps);
}

/** With the length of the frozen phase: as asked, which `--steps` does not scale, else what the weights suggest. */
function frozen(settings: Settings, flags: Flags, initialization: Initialization | undefined): Settings {
  const { freezeBackboneIterations, warmupIterations } = settings.optimizer;
  const suggested = initialization === undefined ? null : initialization.heads.length > 0 && settings.initHeads ? 0 : warmupIterations;
  const asked = wholeNumber(flags, 'freezeBackbone', '--freeze-backbone', 0) ?? freezeBackboneIterations;
  return { ...settings, optimizer: { ...settings.optimizer, freezeBackboneIterations: asked ?? suggested } };
}

function wholeNumber(flags: Flags, name: string, option: string, least: number): number | undefined {
  if (flags[name] === undefined) return undefined;
  const value = Number(flags[name]);
  if (!Number.isInteger(value) || value < least) throw new PretrainError(`${option} ${String(flags[name])}: expected a whole number from ${least}`);
  return value;
}

/** Without --data the sample, with its labels and pictures; without --out a folder named after data and weights. */
function withDefaultPaths(settings: Settings): Settings {
  const { data, out, model, init } = settings;
  const from = init === null ? undefined : `-from-${basename(resolve(init), extname(init))}`;
  if (data === null) {
    return {
      ...settings,
      data: join(sampleFolder, 'train'),
      eval: settings.eval ?? sampleFolder,
      pictures: settings.pictures ?? join(sampleFolder, 'pictures'),
      out: out ?? join('runs', `sample${from ?? ''}`),
    };
  }
  return { ...settings, out: out ?? join('runs', `${basename(resolve(data))}${from ?? `-${model.size}`}`) };
}
