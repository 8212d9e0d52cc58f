import { eagerEngine, type DeviceArray, type Engine, type Graph, type Node, type Value } from '@dinov2/jit';
import fc from 'fast-check';
import { expect } from 'vitest';
import { expectAllclose } from '../allclose';

/** What engines are compared with. */
export const reference = eagerEngine({ backend: 'cpu' });

const side = 4;
export const square = [side, side];

interface Choice {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
}

/** A graph, and which of its inputs are given up for which outputs. */
export interface RandomGraph {
  readonly graph: Graph;
  readonly donations: readonly (readonly [number, number])[];
}

/** A graph over (4, 4) matrices with views, joins, splits, in-place candidates and fused optimizer kernels. */
function build(inputs: number, choices: readonly Choice[], outputPicks: readonly number[], donors: readonly boolean[]): RandomGraph {
  let id = 0;
  const value = (shape: readonly number[]): Value => ({ id: id++, shape, dtype: 'float32' });
  const inputValues = Array.from({ length: inputs }, () => value(square));
  const constant = value(square);
  const pool = [...inputValues, constant];
  const nodes: Node[] = [];
  const call = (op: string, ins: Record<string, Value>, attributes: Node['attributes'], shapes: readonly (readonly number[])[]) => {
    const outputs = shapes.map(value);
    nodes.push({ op, inputs: ins, attributes, outputs });
    return outputs;
  };
  for (const { kind, a, b } of choices) {
    const x = pool[a % pool.length];
    const y = pool[b % pool.length];
    const one = (op: string, ins: Record<string, Value>, attributes: Node['attributes'] = {}) => pool.push(...call(op, ins, attributes, [square]));
    const makers = [
      () => one('Add', { a: x, b: y }),
      () => one('Sub', { a: x, b: y }),
      () => one('Multiply', { a: x, b: y }),
      () => one('Tanh', { x }),
      () => one('Relu', { x }),
      () => one('BatchMatMul', { a: x, b: y }, { transposeA: false, transposeB: true }),
      () => one('Softmax', { logits: x }, { dim: 1 }),
      () => one('Transpose', { x }, { perm: [1, 0] }),
      () => {
        const [flat] = call('Reshape', { x }, { shape: [2, 8] }, [[2, 8]]);
        const [scaled] = call('Tanh', { x: flat }, {}, [[2, 8]]);
        one('Reshape', { x: scaled }, { shape: square });
      },
      () => {
        const [top, bottom] = call('SplitV', { x }, { numOrSizeSplits: [1, 3], axis: 0 }, [[1, side], [3, side]]);
        const [activated] = call('Tanh', { x: bottom }, {}, [[3, side]]);
        one('Concat', { 0: activated, 1: top }, { axis: 0 });
      },
      () => {
        const [joined] = call('Concat', { 0: x, 1: y }, { axis: 0 }, [[2 * side, side]]);
        const [cut] = call('Slice', { x: joined }, { begin: [3, 0], size: square }, [square]);
        pool.push(cut);
      },
      () => {
        const [stacked] = call('Pack', { 0: x, 1: y }, { axis: 0 }, [[2, ...square]]);
        pool.push(...call('Unpack', { value: stacked }, { axis: 0 }, [square, square]));
      },
      () => {
        // Both halves can be written over, unless the second still reads the first.
        const half = [2, side];
        const [base] = call('Tanh', { x }, {}, [square]);
        const [top, bottom] = call('SplitV', { x: base }, { numOrSizeSplits: [2, 2], axis: 0 }, [half, half]);
        const [first] = call('Tanh', { x: top }, {}, [half]);
        const [second] = b % 2 === 0 ? call('Tanh', { x: bottom }, {}, [half]) : call('Add', { a: bottom, b: top }, {}, [half]);
        one('Concat', { 0: first, 1: second }, { axis: 0 });
      },
      () => {
        // Two operands that overlap in memory without being the same.
        const [joined] = call('Concat', { 0: x, 1: y }, { axis: 0 }, [[2 * side, side]]);
        const [base] = call('Tanh', { x: joined }, {}, [[2 * side, side]]);
        const [low] = call('Slice', { x: base }, { begin: [0, 0], size: square }, [square]);
        const [high] = call('Slice', { x: base }, { begin: [1 + (b % 3), 0], size: square }, [square]);
        one('Sub', { a: high, b: low });
      },
      () => one('Identity', { x }),
      () => {
        const [momentum] = call('Fill', {}, { shape: [], value: 0.75, dtype: 'float32' }, [[]]);
        one('Ema', { target: x, source: y, momentum });
      },
      () => {
        const [rowSums] = call('Sum', { x }, { axis: [1], keepDims: true }, [[side, 1]]);
        one('Add', { a: x, b: rowSums });
      },
    ];
    makers[kind % makers.length]();
  }
  const produced = nodes.flatMap((node) => node.outputs).filter((v) => v.shape.length === 2 && v.shape[0] === side && v.shape[1] === side);
  const outputs = [...new Set(outputPicks.map((pick) => produced[pick % produced.length]))].filter((v) => v !== undefined);
  const constants = new Map([[constant, Float32Array.from({ length: side * side }, (_, i) => Math.sin(i + 1))]]);
  const donations = donors.slice(0, inputs).flatMap((donated, i) => (donated && i < outputs.length ? [[i, outputs.length - 1 - i] as const] : []));
  return { graph: { inputs: inputValues, outputs, nodes, constants }, donations };
}

export const randomGraphs = fc
  .tuple(
    fc.integer({ min: 1, max: 4 }),
    fc.array(fc.record({ kind: fc.nat({ max: 100 }), a: fc.nat({ max: 100 }), b: fc.nat({ max: 100 }) }), { minLength: 1, maxLength: 25 }),
    fc.array(fc.nat({ max: 100 }), { minLength: 1, maxLength: 5 }),
    fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  )
  .map((parameters) => build(...parameters))
  .filter(({ graph }) => graph.outputs.length > 0);

/** What every test feeds. */
export const hostInputs = (graph: Graph) =>
  graph.inputs.map((_, i) => Float32Array.from({ length: side * side }, (_, j) => Math.cos(7 * i + j)));

async function evaluate(engine: Engine, { graph, donations }: RandomGraph) {
  const executable = await engine.compile(graph, { donations });
  const inputs = hostInputs(graph).map((data) => engine.put(data, square, 'float32'));
  const outputs = await executable.run(inputs);
  return { executable, inputs, outputs };
}

const read = (arrays: readonly DeviceArray[]) => Promise.all(arrays.map((array) => array.data()));

/** An engine gives what tfjs gives, gives donated arrays up and leaves the others as they were. */
export async function expectLikeTfjs(engine: Engine, example: RandomGraph): Promise<void> {
  const expected = await evaluate(reference, { ...example, donations: [] });
  const actual = await evaluate(engine, example);
  const wanted = await read(expected.outputs);
  const results = await read(actual.outputs);
  // A chain of 25 products can grow a rounding of 2^-24 by their size.
  results.forEach((data, i) => expectAllclose(data, wanted[i]!, { rtol: 1e-3, atol: 1e-4 }));
  const donated = new Set(example.donations.map(([input]) => input));
  for (const [i, input] of actual.inputs.entries()) {
    expect(input.isDisposed).toBe(donated.has(i));
    if (!donated.has(i)) expect(await input.data()).toEqual(hostInputs(example.graph)[i]);
  }
  [...actual.inputs, ...actual.outputs, ...expected.inputs, ...expected.outputs].forEach((array) => array.dispose());
  actual.executable.dispose();
  expected.executable.dispose();
}
