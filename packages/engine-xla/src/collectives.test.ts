import { describe, expect, it } from 'vitest';
import { collectives } from './collectives';
import type { HloInstruction, HloModule } from './hlo';

const f32 = (...dimensions: number[]) => ({ type: 'f32', dimensions, elements: [] });
const instruction = (id: number, opcode: string, rest: Partial<HloInstruction> = {}): HloInstruction => ({
  id,
  name: `${opcode}.${id}`,
  opcode,
  shape: f32(),
  operands: [],
  calls: [],
  groupSize: 0,
  tripCount: undefined,
  customCallTarget: '',
  ...rest,
});

describe('collectives', () => {
  it('sums kinds and group sizes, through calls and loops, and counts what a ring sends', () => {
    const module: HloModule = {
      name: 'm',
      entry: 1,
      computations: [
        {
          id: 1,
          name: 'main',
          instructions: [
            instruction(1, 'parameter', { shape: f32(100) }),
            instruction(2, 'all-gather', { operands: [1], groupSize: 4, shape: f32(400) }),
            instruction(3, 'all-gather-start', { operands: [1], groupSize: 4 }),
            instruction(4, 'all-reduce', { operands: [1] }),
            instruction(5, 'fusion', { calls: [2] }),
            instruction(6, 'while', { calls: [3], tripCount: 12 }),
            instruction(7, 'all-reduce', { operands: [1], groupSize: 1 }),
          ],
        },
        {
          id: 2,
          name: 'all-reduce-scatter.1',
          instructions: [
            instruction(1, 'parameter', { shape: f32(80) }),
            instruction(2, 'all-reduce', { operands: [1], groupSize: 4 }),
            instruction(3, 'dynamic-slice', { operands: [2] }),
          ],
        },
        {
          id: 3,
          name: 'body',
          instructions: [
            instruction(1, 'parameter', { shape: { type: 'bf16', dimensions: [10], elements: [] } }),
            instruction(2, 'collective-permute', { operands: [1], groupSize: 2 }),
          ],
        },
      ],
    };
    expect(collectives(module, 8)).toEqual([
      { kind: 'all-gather', devices: 4, count: 2, bytes: 3200, sent: 2400 },
      { kind: 'all-reduce', devices: 8, count: 1, bytes: 400, sent: 700 },
      { kind: 'reduce-scatter', devices: 4, count: 1, bytes: 320, sent: 240 },
      { kind: 'collective-permute', devices: 2, count: 12, bytes: 240, sent: 240 },
    ]);
  });

  it('counts on a TPU what runs beside computation once, and scattered tuples as such', () => {
    const gather = (id: number, name: string) => ({
      id,
      name,
      instructions: [instruction(1, 'parameter', { shape: f32(50) }), instruction(2, 'all-gather', { operands: [1] })],
    });
    const module: HloModule = {
      name: 'm',
      entry: 1,
      computations: [
        {
          id: 1,
          name: 'main',
          instructions: [
            instruction(1, 'fusion', { name: 'async-collective-start', calls: [2] }),
            instruction(2, 'fusion', { name: 'fusion.2', calls: [3] }),
            instruction(3, 'fusion', { name: 'async-collective-done', calls: [4] }),
            instruction(4, 'fusion', { calls: [5] }),
          ],
        },
        gather(2, 'fused_computation.2'),
        gather(3, 'async_collective_fusion.3'),
        gather(4, 'fused_computation.4'),
        {
          id: 5,
          name: 'all-reduce-scatter.2',
          instructions: [
            instruction(1, 'parameter', { shape: f32(20) }),
            instruction(2, 'parameter', { shape: f32(40) }),
            instruction(3, 'all-reduce', { operands: [1, 2] }),
            instruction(4, 'get-tuple-element', { operands: [3] }),
            instruction(5, 'dynamic-slice', { operands: [4] }),
          ],
        },
      ],
    };
    expect(collectives(module, 4)).toEqual([
      { kind: 'all-gather', devices: 4, count: 1, bytes: 800, sent: 600 },
      { kind: 'reduce-scatter', devices: 4, count: 1, bytes: 240, sent: 180 },
    ]);
  });

  it('counts products with a ring as what the ring does', () => {
    const module: HloModule = {
      name: 'm',
      entry: 1,
      computations: [
        { id: 1, name: 'main', instructions: [instruction(1, 'while', { calls: [2, 3] })] },
        { id: 2, name: 'wide.windowed_dot_general_cond_rs.1', instructions: [] },
        {
          id: 3,
          name: 'wide.windowed_dot_general_body_rs.1',
          instructions: [
            instruction(1, 'parameter', { shape: f32(10) }),
            instruction(2, 'collective-permute-start', { operands: [1], groupSize: 16 }),
            instruction(3, 'collective-permute-done', { operands: [2] }),
          ],
        },
      ],
    };
    expect(collectives(module, 64)).toEqual([{ kind: 'reduce-scatter', devices: 16, count: 1, bytes: 640, sent: 600 }]);
  });
});
