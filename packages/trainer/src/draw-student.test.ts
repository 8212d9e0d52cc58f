import type { HostArray } from '@dinov2/jit';
import { initialize, initializeHead, vitConfig } from '@dinov2/vit';
import { describe, expect, it } from 'vitest';
import type { TrainerConfig } from './config';
import { drawStudent } from './draw-student';
import { drawInThreads } from './draw-threads';
import { TrainerError } from './errors';
import { microConfig } from './micro-config.testing';
import { headConfigOf, initialStudent, mapSubmodules, type Submodules } from './state';

const configs: Record<string, TrainerConfig> = {
  'one head': microConfig,
  'two heads': { ...microConfig, seed: 2 ** 40 + 3, ibot: { ...microConfig.ibot, separateHead: true } },
  'registers and SwiGLU': { ...microConfig, seed: 5, model: { ...microConfig.model, registers: 2, ffn: 'swiglu', layerScale: 0 } },
  // Large enough that threads pay: 7 million values in the backbone.
  'a large table of prototypes': {
    ...microConfig,
    model: vitConfig('small', { depth: 4 }),
    dino: { ...microConfig.dino, head: { prototypes: 20_000, hiddenDim: 64, bottleneckDim: 32, layers: 1 } },
  },
};

/** Arrays with their bytes in one piece, which compare fast. */
const bytes = (student: Submodules<HostArray>) => mapSubmodules(student, ({ data, shape }) => {
  expect(data).toBeInstanceOf(Float32Array);
  return { shape, bytes: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1') };
});

describe('drawStudent', () => {
  it.each(Object.entries(configs))('gives the bits of initialStudent with any number of threads: %s', async (_, config) => {
    const expected = bytes(initialStudent(config));
    for (const threads of [undefined, 1, 2, 3, 7]) {
      expect(bytes(await drawStudent(config, {}, threads))).toEqual(expected);
    }
  });

  it('draws only what is not given', async () => {
    const backbone = initialize(microConfig.model, 4);
    const dinoHead = initializeHead(headConfigOf(microConfig, microConfig.dino.head), 5);
    const student = await drawStudent(microConfig, { backbone }, 2);
    expect(student).toEqual(initialStudent(microConfig, { backbone }));
    expect(student.backbone['pos_embed'].data).toBe(backbone['pos_embed'].data);
    expect(await drawStudent(microConfig, { backbone, dinoHead }, 2)).toEqual({ backbone, dinoHead });
    await expect(drawStudent(microConfig, { dinoHead: {} }, 2)).rejects.toThrow(TrainerError);
  });
});

it('rejects when a thread fails', async () => {
  const drawing = [-1, { normal: 1 }, [0, 0, 1, 2, 3, 4]] as const;
  await expect(drawInThreads([drawing, drawing], 2)).rejects.toThrow(/draws initial weights failed: RangeError/);
});
