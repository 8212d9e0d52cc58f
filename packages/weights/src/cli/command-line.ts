import { Command, Option, type OutputConfiguration } from 'commander';
import type { LoadOptions } from '../load-pretrained';
import type { Precision } from '../onnx';

const formats = ['huggingface', 'onnx', 'safetensors', 'transformers.js'] as const;

type Format = (typeof formats)[number];

/** What the command line asks for. */
export type Invocation =
  | { readonly command: 'inspect'; readonly path: string; readonly options: LoadOptions }
  | Conversion;

export interface Conversion {
  readonly command: 'convert';
  readonly path: string;
  readonly out: string;
  readonly to: Format;
  readonly precisions: readonly Precision[];
  /** Overwrite what is there. */
  readonly force: boolean;
  readonly options: LoadOptions;
}

interface Flags {
  readonly branch?: 'teacher' | 'student';
  readonly interpolation?: keyof typeof interpolations;
  readonly attentionHeads?: number;
  readonly checksums?: boolean;
  readonly to?: Format;
  readonly precision?: Precision | 'both';
  readonly heads?: true;
  readonly force?: true;
}

/** Arguments that make no sense, and that commander has not complained about itself. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The three published resamplers of the position table. */
const interpolations = {
  offset: { offset: 0.1, antialias: false },
  size: { offset: 0, antialias: false },
  antialias: { offset: 0, antialias: true },
} as const;

const examples = `
Examples:
  dinov2-weights inspect dinov2_vits14_reg4_pretrain.pth
  dinov2-weights convert teacher_checkpoint.pth out/ --to huggingface
                                    for AutoModel.from_pretrained of Python's transformers
  dinov2-weights convert runs/photos model.onnx --to onnx
  dinov2-weights convert runs/photos models/photos --to transformers.js --precision both
                                    for pipeline('image-feature-extraction', 'photos')
  dinov2-weights convert facebook-dinov2-base/ backbone.safetensors --to safetensors

PATH is a file (.safetensors, its index, .pth, .bin) or a folder with one: released weights and
training checkpoints of DINOv2 and DINOv3, folders of transformers and timm, runs of dinov2-pretrain.
What it is, is told by its content.

Exit codes: 0 done, 1 a file cannot be read, written or expressed, 2 wrong arguments.
With DEBUG=1 in the environment an error is shown with its stack.`;

/**
 * Read a command line.
 *
 * @throws UsageError for wrong arguments; CommanderError after it has printed a complaint, help or the
 * version, the last two with exit code 0.
 */
export function parseCommandLine(words: readonly string[], version: string, output: OutputConfiguration = {}): Invocation {
  let invocation: Invocation | undefined;
  const program = new Command('dinov2-weights')
    .description('Look into weights of DINOv2 and DINOv3, and turn them into those of other programs.')
    .version(version)
    .addHelpText('after', examples);

  const inspect = program
    .command('inspect')
    .description('say what a file or folder holds: layout, architecture, positions, preprocessing, what is not used')
    .argument('<path>', 'file or folder of weights')
    .action((path: string, flags: Flags) => {
      invocation = { command: 'inspect', path, options: loadOptions(flags) };
    });
  const convert = program
    .command('convert')
    .description('turn weights, e.g. a training checkpoint, into a backbone for another program')
    .argument('<path>', 'file or folder of weights')
    .argument('<out>', 'file to write (onnx, safetensors) or folder (huggingface, transformers.js)')
    .addOption(new Option('--to <format>', 'what to write').choices(formats).makeOptionMandatory())
    .addOption(
      new Option(
        '--precision <type>',
        'of ONNX models; inputs and outputs stay float32. transformers.js has a file for each (default: float32)',
      ).choices(['float32', 'float16', 'both']),
    )
    .option('--heads', 'with --to safetensors: write the projection heads to heads.safetensors beside backbone.safetensors')
    .option('--force', 'overwrite what is there')
    .action((path: string, out: string, flags: Flags) => {
      invocation = conversion(path, out, flags);
    });
  for (const command of [inspect, convert]) {
    command
      .addOption(new Option('--branch <model>', 'of a training checkpoint with both (default: teacher)').choices(['teacher', 'student']))
      .addOption(
        new Option(
          '--interpolation <way>',
          'how the position table is resampled: offset 0.1 (as trained, and released without registers), ' +
            'to a size (recent ports), or antialiased (released with registers); default: as the program of the layout does',
        ).choices(Object.keys(interpolations)),
      )
      .addOption(new Option('--attention-heads <n>', 'where the weights do not tell and heads are not 64 wide').argParser(count))
      .option('--no-checksums', 'read a .pth file that was saved without checksums');
  }
  // Throws in place of ending the process.
  for (const command of [program, inspect, convert]) command.exitOverride().configureOutput(output);
  program.parse(words, { from: 'user' });
  return invocation!;
}

function conversion(path: string, out: string, flags: Flags): Conversion {
  const to = flags.to!;
  const { precision, heads = false, force = false } = flags;
  if (precision !== undefined && to !== 'onnx' && to !== 'transformers.js') {
    throw new UsageError(`--precision is for ONNX models; --to ${to} writes float32`);
  }
  if (precision === 'both' && to === 'onnx') {
    throw new UsageError('--to onnx writes one model; pass --precision float32 or float16, or --to transformers.js');
  }
  if (heads && to !== 'safetensors') throw new UsageError(`--heads is for --to safetensors; ${to} holds backbones alone`);
  return {
    command: 'convert',
    path,
    out,
    to,
    precisions: precision === 'both' ? ['float32', 'float16'] : [precision ?? 'float32'],
    force,
    options: { ...loadOptions(flags), ...(heads && { heads }) },
  };
}

function loadOptions({ branch, interpolation, attentionHeads, checksums }: Flags): LoadOptions {
  return {
    ...(branch !== undefined && { branch }),
    ...(interpolation !== undefined && { interpolation: interpolations[interpolation] }),
    ...(attentionHeads !== undefined && { attentionHeads }),
    ...(checksums === false && { verifyChecksums: false }),
  };
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new UsageError(`--attention-heads ${text} is not a count; pass a whole number from 1`);
  return value;
}
