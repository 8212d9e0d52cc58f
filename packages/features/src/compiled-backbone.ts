import { type CompiledFunction, type DeviceArray, type Engine, jit } from '@dinov2/jit';
import type { HostArray, Parameters, VitConfig } from '@dinov2/vit';
import type * as tf from '@tensorflow/tfjs-core';
import { computeTokens, type TokenTensors } from './compute-tokens';
import type { Outputs, Tokens } from './types';

type Program = CompiledFunction<[Parameters, tf.Tensor], TokenTensors>;

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
    const batch = images.shape[0];
    const arrays = await this.program(images.shape.join('×'))(this.parameters, images);
    const { classTokens, ...others } = Object.fromEntries(
      await Promise.all(Object.entries(arrays).map(async ([name, array]) => [name, await read(array)])),
    ) as Partial<Record<keyof TokenTensors, HostArray>>;
    return {
      count: batch,
      classTokens: classTokens ?? { data: new Float32Array(0), shape: [batch, 0, this.config.embedDim] },
      ...others,
    };
  }

  close(): void {
    for (const program of this.programs.values()) program.dispose();
    this.programs.clear();
  }

  private program(shape: string): Program {
    const program = this.programs.get(shape) ?? jit(computeTokens(this.config, this.outputs), { engine: this.engine, constant: [0] });
    this.programs.delete(shape);
    this.programs.set(shape, program);
    if (this.programs.size > this.kept) {
      const [oldest, unused] = this.programs.entries().next().value!;
      this.programs.delete(oldest);
      unused.dispose();
    }
    return program;
  }
}

async function read(array: DeviceArray): Promise<HostArray> {
  const data = (await array.data()) as Float32Array;
  array.dispose();
  return { data, shape: array.shape };
}
