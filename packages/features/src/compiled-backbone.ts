import { type CompiledFunction, type DeviceArray, type Engine, jit } from '@dinov2/jit';
import type { HostArray, Parameters, VitConfig } from '@dinov2/vit';
import type * as tf from '@tensorflow/tfjs-core';
import { computeTokens, type TokenTensors } from './compute-tokens';
import type { Outputs, Tokens } from './types';

interface Program {
  readonly run: CompiledFunction<[Parameters, tf.Tensor], TokenTensors>;
  /** Calls under way. */
  users: number;
}

/** A frozen network on an engine of this thread. */
export class CompiledBackbone {
  /** By shape of the images, the last used last. */
  private readonly programs = new Map<string, Program>();

  constructor(
    private readonly engine: Engine,
    private readonly config: VitConfig,
    private readonly parameters: Readonly<Record<string, HostArray>>,
    private readonly outputs: Outputs,
    /** Shapes of images whose programs are kept; each holds the weights as its kernels like them. */
    private readonly kept: number,
  ) {}

  /** @param images - (B, H, W, 3) */
  async run(images: HostArray): Promise<Tokens> {
    const shape = images.shape.join('×');
    const program = this.take(shape);
    try {
      const arrays = await program.run(this.parameters, images);
      const { classTokens, ...others } = Object.fromEntries(
        await Promise.all(Object.entries(arrays).map(async ([name, array]) => [name, await read(array)])),
      ) as Partial<Record<keyof TokenTensors, HostArray>>;
      const [count] = images.shape;
      return {
        count,
        classTokens: classTokens ?? { data: new Float32Array(0), shape: [count, 0, this.config.embedDim] },
        ...others,
      };
    } finally {
      program.users--;
      // It was let go of while it ran.
      if (this.programs.get(shape) !== program && program.users === 0) program.run.dispose();
    }
  }

  close(): void {
    for (const shape of this.programs.keys()) this.release(shape);
  }

  private take(shape: string): Program {
    const program = this.programs.get(shape) ?? {
      run: jit(computeTokens(this.config, this.outputs), { engine: this.engine, constant: [0] }),
      users: 0,
    };
    program.users++;
    this.programs.delete(shape);
    this.programs.set(shape, program);
    if (this.programs.size > this.kept) this.release(this.programs.keys().next().value!);
    return program;
  }

  private release(shape: string): void {
    const program = this.programs.get(shape)!;
    this.programs.delete(shape);
    if (program.users === 0) program.run.dispose();
  }
}

async function read(array: DeviceArray): Promise<HostArray> {
  const data = (await array.data()) as Float32Array;
  array.dispose();
  return { data, shape: array.shape };
}
