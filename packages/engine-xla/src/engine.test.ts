import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { eagerEngine, jit, type DeviceArray, type Graph, type Mesh, type Node, type Sharding, type Value } from '@dinov2/jit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { noPjrtPlugin, pjrtPlugin } from '../../../tests/support/pjrt-plugin';
import { EngineError, xlaEngine, type XlaEngine } from './index';

const folder = mkdtempSync(join(tmpdir(), 'dinov2-xla-'));
afterAll(() => rmSync(folder, { recursive: true }));

const open = (options: { mesh?: Mesh; cacheFolder?: string | null } = {}) =>
  xlaEngine({ plugin: pjrtPlugin!, cacheFolder: null, pluginOptions: { device_count: 8 }, ...options });

const spec = (id: number, shape: number[]): Value => ({ id, shape, dtype: 'float32' });
const relu = (): Graph => {
  const [x, y] = [spec(0, [2]), spec(1, [2])];
  return { inputs: [x], outputs: [y], nodes: [{ op: 'Relu', inputs: { x }, attributes: {}, outputs: [y] }], constants: new Map() };
};

describe.skipIf(pjrtPlugin === undefined)(`xlaEngine on one device${pjrtPlugin ? '' : ` (skipped: ${noPjrtPlugin})`}`, () => {
  let engine: XlaEngine;
  beforeAll(async () => {
    await tf.setBackend('cpu');
    engine = await open();
  });
  afterAll(() => engine?.dispose());
  const vector = (data: Float32Array) => engine.put(data, [data.length], 'float32');

  it('says what it is', () => {
    expect(engine.info).toMatchObject({ name: 'xla', device: 'cpu', precision: 'float32' });
    expect(engine.info.runtime).toMatch(/^PJRT \d+\.\d+/);
    expect(engine.platform).toBe('cpu');
    expect(engine.mesh).toBeUndefined();
  });

  it('trains a small MLP like tfjs on its CPU backend', async () => {
    const random = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 0.5, 'float32', seed);
    const x = random([16, 8], 1);
    const y = random([16, 3], 2);
    const parameters = { w1: random([8, 32], 3), b1: random([32], 4), w2: random([32, 3], 5), b2: random([3], 6) };
    type Parameters = Record<keyof typeof parameters, tf.Tensor>;
    const step = ({ w1, b1, w2, b2 }: Parameters, input: tf.Tensor, target: tf.Tensor) => {
      const { value, grads } = tf.valueAndGrads((a: tf.Tensor, c: tf.Tensor, d: tf.Tensor, e: tf.Tensor) => {
        const hidden = tf.relu(tf.add(tf.matMul(input as tf.Tensor2D, a as tf.Tensor2D), c));
        const out = tf.add(tf.matMul(hidden as tf.Tensor2D, d as tf.Tensor2D), e);
        return tf.mean(tf.squaredDifference(out, target)) as tf.Scalar;
      })([w1, b1, w2, b2]);
      const [n1, n2, n3, n4] = [w1, b1, w2, b2].map((p, i) => tf.sub(p, tf.mul(grads[i], 0.1)));
      return { parameters: { w1: n1, b1: n2, w2: n3, b2: n4 } as Parameters, loss: value };
    };
    const compiled = jit(step, { engine, donate: [0] });
    let expected = parameters as Parameters;
    let state: Parameters | Record<keyof Parameters, DeviceArray> = parameters;
    for (let i = 0; i < 5; i++) {
      const eager = step(expected, x, y);
      const result: { parameters: Record<keyof Parameters, DeviceArray>; loss: DeviceArray } = await compiled(state, x, y);
      expectAllclose(await result.loss.data(), await eager.loss.data(), { rtol: 1e-5, atol: 1e-6 });
      expected = eager.parameters;
      state = result.parameters;
    }
    const trained = state as Record<keyof Parameters, DeviceArray>;
    for (const name of ['w1', 'b1', 'w2', 'b2'] as const) {
      expectAllclose(await trained[name].data(), await expected[name].data(), { rtol: 1e-5, atol: 1e-6 });
    }
  });

  it('gives back what was put, of every type, and copies it at once', async () => {
    const floats = Float32Array.of(1.5, NaN, -Infinity, -0, 1e-40, 3);
    const array = engine.put(floats, [2, 3], 'float32');
    floats.fill(7);
    expect(await array.data()).toEqual(Float32Array.of(1.5, NaN, -Infinity, -0, 1e-40, 3));
    expect(await engine.put(Int32Array.of(-1, 2 ** 31 - 1), [2], 'int32').data()).toEqual(Int32Array.of(-1, 2 ** 31 - 1));
    expect(await engine.put(Uint8Array.of(1, 0, 1), [3], 'bool').data()).toEqual(Uint8Array.of(1, 0, 1));
    expect(await engine.put(Float32Array.of(4), [], 'float32').data()).toEqual(Float32Array.of(4));
    expect(await engine.put(new Float32Array(), [0, 3], 'float32').data()).toEqual(new Float32Array());
  });

  it('disposes donated arguments, and plans no memory for what replaces them', async () => {
    const size = 1 << 16;
    const update = (p: tf.Tensor, g: tf.Tensor) => ({ p: tf.sub(p, g), largest: tf.max(p) });
    const compiled = jit(update, { engine, donate: [0] });
    const p = vector(Float32Array.from({ length: size }, (_, i) => i));
    const g = vector(new Float32Array(size).fill(1));
    const first = await compiled(p, g);
    expect(p.isDisposed).toBe(true);
    await expect(compiled(p, g)).rejects.toThrow(/disposed/);
    const { memory } = await compiled.compile(first.p, g);
    expect(memory.inputs).toBe(2 * 4 * size);
    expect(memory.outputs).toBeLessThan(4 * size);
    const second = await compiled(first.p, g);
    expect((await second.p.data()).slice(0, 3)).toEqual(Float32Array.of(-2, -1, 0));
    expect(await second.largest.data()).toEqual(Float32Array.of(size - 2));
  });

  it('books the time and the work of a run', async () => {
    const compiled = jit((a: tf.Tensor2D, b: tf.Tensor2D) => tf.relu(tf.matMul(a, b)), { engine });
    const matrix = engine.put(new Float32Array(64 * 64), [64, 64], 'float32');
    const { entries } = await compiled.profile(matrix, matrix);
    expect(entries).toMatchObject([{ op: 'Graph', kernel: 'xla:cpu', calls: 1 }]);
    expect(entries[0].flops).toBeGreaterThanOrEqual(2 * 64 ** 3);
  });

  it('runs calls that overlap one after the other, on arrays that are disposed meanwhile', async () => {
    const executable = await engine.compile(relu(), { donations: [] });
    const inputs = Array.from({ length: 8 }, (_, i) => vector(Float32Array.of(-i, i)));
    const running = inputs.map((input) => executable.run([input]));
    inputs.forEach((input) => input.dispose());
    executable.dispose();
    const results = await Promise.all(running);
    expect(await Promise.all(results.map(async ([y]) => (await y.data())[1]))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('refuses arrays that do not fit the graph, and keeps them', async () => {
    const executable = await engine.compile(relu(), { donations: [[0, 0]] });
    const three = vector(new Float32Array(3));
    await expect(executable.run([three])).rejects.toThrow(/input 0 is float32 \(3\), the graph was compiled for float32 \(2\)/);
    await expect(executable.run([])).rejects.toThrow(/1 inputs and 0 arrays/);
    expect(three.isDisposed).toBe(false);
    const other = eagerEngine({ backend: 'cpu' }).put(new Float32Array(2), [2], 'float32');
    await expect(executable.run([other])).rejects.toThrow(/not an array of this engine/);
    expect(() => engine.put(new Float32Array(2), [3], 'float32')).toThrow(/2 values do not fill the shape \(3\)/);
    executable.dispose();
    await expect(executable.run([vector(new Float32Array(2))])).rejects.toThrow(/disposed; compile the graph again/);
  });

  it('refuses one array for two inputs of which one is donated', async () => {
    const [a, b, y] = [spec(0, [2]), spec(1, [2]), spec(2, [2])];
    const graph: Graph = { inputs: [a, b], outputs: [y], nodes: [{ op: 'Add', inputs: { a, b }, attributes: {}, outputs: [y] }], constants: new Map() };
    const executable = await engine.compile(graph, { donations: [[0, 0]] });
    const x = vector(Float32Array.of(1, 2));
    await expect(executable.run([x, x])).rejects.toThrow(/inputs 0 and 1 are the same array and one of them is donated/);
    expect(await x.data()).toEqual(Float32Array.of(1, 2));
  });

  it('names an op it cannot run', async () => {
    const graph = relu();
    const [node] = graph.nodes;
    const unknown = { ...graph, nodes: [{ ...node, op: 'FFT', scope: 'block.1', source: 'model.ts:12:3' }] };
    await expect(engine.compile(unknown, { donations: [] })).rejects.toThrow(/FFT/);
  });

  it("carries the plugin's message and code", async () => {
    const refusal = engine.compileModule('module { nonsense }', { inputs: [], outputs: [], donations: [] });
    await expect(refusal).rejects.toThrow(/PJRT_Client_Compile: [A-Z_]+: .*nonsense/);
    await expect(refusal).rejects.toBeInstanceOf(EngineError);
    await expect(refusal).rejects.toHaveProperty('code');
  });

  it('keeps the event loop turning while it compiles and runs', async () => {
    const n = 700;
    const type = `tensor<${n}x${n}xf32>`;
    // A loop of products that takes a second or so.
    const text = `module {
      func.func public @main(%x: ${type}) -> ${type} {
        %zero = stablehlo.constant dense<0> : tensor<i32>
        %one = stablehlo.constant dense<1> : tensor<i32>
        %end = stablehlo.constant dense<60> : tensor<i32>
        %result:2 = stablehlo.while(%i = %zero, %y = %x) : tensor<i32>, ${type}
          cond {
            %more = stablehlo.compare LT, %i, %end : (tensor<i32>, tensor<i32>) -> tensor<i1>
            stablehlo.return %more : tensor<i1>
          } do {
            %next = stablehlo.add %i, %one : tensor<i32>
            %z = stablehlo.dot_general %y, %x, contracting_dims = [1] x [0] : (${type}, ${type}) -> ${type}
            stablehlo.return %next, %z : tensor<i32>, ${type}
          }
        return %result#1 : ${type}
      }
    }`;
    const shape = [n, n];
    const executable = await engine.compileModule(text, {
      inputs: [{ shape, dtype: 'float32' }],
      outputs: [{ shape, dtype: 'float32' }],
      donations: [],
    });
    const x = engine.put(new Float32Array(n * n), shape, 'float32');
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    const start = performance.now();
    const [y] = await executable.run([x]);
    // What the next step needs can be put while this one runs.
    const next = engine.put(new Float32Array(n * n).fill(1), shape, 'float32');
    expect((await y.data())[0]).toBe(0);
    const time = performance.now() - start;
    clearInterval(timer);
    expect((await next.data())[5]).toBe(1);
    expect(time).toBeGreaterThan(100);
    expect(longest).toBeLessThan(time / 2);
  });

  it('frees everything when it is disposed', async () => {
    const own = await open();
    const executable = await own.compile(relu(), { donations: [] });
    const x = own.put(Float32Array.of(-1, 1), [2], 'float32');
    const [y] = await executable.run([x]);
    await own.dispose();
    expect(x.isDisposed && y.isDisposed).toBe(true);
    await expect(y.data()).rejects.toThrow(/was disposed/);
    expect(() => own.put(new Float32Array(2), [2], 'float32')).toThrow(/engine was disposed/);
    await own.dispose();
  });

  it('names a plugin that is not there, and a file that is none', async () => {
    await expect(xlaEngine({ plugin: '/nowhere/plugin.so' })).rejects.toThrow(/no PJRT plugin at \/nowhere\/plugin.so/);
    await expect(xlaEngine({ plugin: process.execPath })).rejects.toThrow(/cannot be loaded as a PJRT plugin/);
  });

  it('reads programs from the cache, and compiles where that fails', async () => {
    const cached = await open({ cacheFolder: folder });
    const compile = () => cached.compileModule(doubling, { inputs: [{ shape: [2], dtype: 'float32' }], outputs: [{ shape: [2], dtype: 'float32' }], donations: [] });
    const run = async () => {
      const executable = await compile();
      const [y] = await executable.run([cached.put(Float32Array.of(1, 2), [2], 'float32')]);
      expect(await y.data()).toEqual(Float32Array.of(2, 4));
      return executable.fromCache;
    };
    expect(await run()).toBe(false);
    const [name] = readdirSync(folder);
    expect(name).toMatch(/^[0-9a-f]{64}\.executable$/);
    expect(await run()).toBe(true);
    writeFileSync(join(folder, name), 'not an executable');
    expect(await run()).toBe(false);
    expect(await run()).toBe(true);
    await cached.dispose();
  });
});

const doubling = `module {
  func.func public @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    %y = stablehlo.add %x, %x : tensor<2xf32>
    return %y : tensor<2xf32>
  }
}`;

describe.skipIf(pjrtPlugin === undefined)(`xlaEngine on eight devices${pjrtPlugin ? '' : ` (skipped: ${noPjrtPlugin})`}`, () => {
  const mesh = { data: 4, fsdp: 2 };
  let engine: XlaEngine;
  beforeAll(async () => {
    engine = await open({ mesh });
  });
  afterAll(() => engine?.dispose());
  const counted = (shape: number[]) => Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i);

  it.each<[number[], Sharding, number]>([
    [[8, 6], [['data', 'fsdp'], []], 8],
    [[8, 6], [['fsdp'], []], 2],
    [[8, 6], [[], ['fsdp']], 2],
    [[8, 6], [['fsdp', 'data']], 8],
    [[4, 2, 8], [['data'], [], ['fsdp']], 8],
    [[4, 2, 8], [], 1],
    [[], [], 1],
  ])('puts %j split by %j in %i parts and gathers it', async (shape, sharding, count) => {
    const values = counted(shape);
    const array = engine.put(values, shape, 'float32', sharding);
    expect(array.sharding).toEqual(sharding);
    expect(await array.data()).toEqual(values);
    const parts = array.parts!();
    expect(parts).toHaveLength(count);
    const total = (await Promise.all(parts.map((part) => part.data()))).flatMap((part) => [...part]);
    expect(total.sort((a, b) => a - b)).toEqual([...values]);
  });

  it('gives parts that say where they lie', async () => {
    const parts = engine.put(counted([4, 4]), [4, 4], 'float32', [[], ['fsdp']]).parts!();
    expect(parts.map(({ start, shape }) => ({ start, shape }))).toEqual([
      { start: [0, 0], shape: [4, 2] },
      { start: [0, 2], shape: [4, 2] },
    ]);
    expect(await parts[1].data()).toEqual(Float32Array.of(2, 3, 6, 7, 10, 11, 14, 15));
  });

  it('assembles an array that no host holds', async () => {
    const asked: number[][] = [];
    const array = engine.assemble([8, 2], 'int32', [['fsdp']], ({ start, shape }) => {
      asked.push([...start]);
      return new Int32Array(shape[0] * shape[1]).fill(start[0]);
    });
    expect(asked).toEqual([[0, 0], [4, 0]]);
    expect([...(await array.data())]).toEqual([...new Array(8).fill(0), ...new Array(8).fill(4)]);
    expect(() => engine.assemble([8, 2], 'int32', [['fsdp']], () => new Int32Array(3))).toThrow(/3 values do not fill the part \(4, 2\) at \(0,0\)/);
  });

  it('refuses a split that does not come out even', () => {
    expect(() => engine.put(new Float32Array(6), [6], 'float32', [['data']])).toThrow(/length 6, which does not split into 4/);
    expect(() => engine.put(new Float32Array(6), [6], 'float32', [['model']])).toThrow(/no axis "model"/);
  });

  const product = (): { graph: Graph; a: Value; b: Value } => {
    const a: Value = { id: 0, shape: [8, 4], dtype: 'float32', sharding: [['data', 'fsdp'], []] };
    const b: Value = { id: 1, shape: [4, 8], dtype: 'float32', sharding: [[], ['fsdp']] };
    const y: Value = { id: 2, shape: [8, 8], dtype: 'float32', sharding: [['data'], ['fsdp']] };
    const sum: Value = { id: 3, shape: [], dtype: 'float32' };
    const nodes: Node[] = [
      { op: 'BatchMatMul', inputs: { a, b }, attributes: { transposeA: false, transposeB: false }, outputs: [y] },
      { op: 'Sum', inputs: { x: y }, attributes: { axis: [0, 1], keepDims: false }, outputs: [sum] },
    ];
    return { graph: { inputs: [a, b], outputs: [y, sum], nodes, constants: new Map() }, a, b };
  };

  it('runs a sharded product, whose results lie as annotated', async () => {
    const { graph, a, b } = product();
    const executable = await engine.compile(graph, { donations: [] });
    // Each device holds a row of a, half of b's columns, and a piece of the product: not the whole.
    expect(executable.memory.inputs).toBeLessThan(4 * 64);
    const put = ({ shape, sharding }: Value) => engine.put(counted([...shape]), shape, 'float32', sharding);
    const [y, sum] = await executable.run([put(a), put(b)]);
    const expected = Array.from({ length: 64 }, (_, i) => [0, 1, 2, 3].reduce((t, k) => t + (Math.floor(i / 8) * 4 + k) * (k * 8 + (i % 8)), 0));
    expect([...(await y.data())]).toEqual(expected);
    expect(y.sharding).toEqual([['data'], ['fsdp']]);
    expect(y.parts!()).toHaveLength(8);
    expect(await sum.data()).toEqual(Float32Array.of(expected.reduce((p, q) => p + q)));
    expect(sum.sharding).toEqual([]);
  });

  it('brings arguments that lie otherwise to where they are wanted', async () => {
    const { graph } = product();
    const executable = await engine.compile(graph, { donations: [] });
    const replicatedInputs = [engine.put(counted([8, 4]), [8, 4], 'float32'), engine.put(counted([4, 8]), [4, 8], 'float32', [['data']])];
    const [y] = await executable.run(replicatedInputs);
    expect((await y.data())[9]).toBe([4, 5, 6, 7].reduce((t, v, k) => t + v * (k * 8 + 1), 0));
    expect(await replicatedInputs[1].data()).toEqual(counted([4, 8]));
  });

  it('passes donated state from run to run', async () => {
    const sharding: Sharding = [['fsdp', 'data']];
    const [x, y] = [0, 1].map((id): Value => ({ id, shape: [16], dtype: 'float32', sharding }));
    const graph: Graph = { inputs: [x], outputs: [y], nodes: [{ op: 'Add', inputs: { a: x, b: x }, attributes: {}, outputs: [y] }], constants: new Map() };
    const executable = await engine.compile(graph, { donations: [[0, 0]] });
    let state: DeviceArray = engine.put(counted([16]), [16], 'float32', sharding);
    for (let i = 0; i < 5; i++) {
      const [next] = await executable.run([state]);
      expect(state.isDisposed).toBe(true);
      state = next;
    }
    expect(await state.data()).toEqual(counted([16]).map((v) => 32 * v));
    expect(executable.memory.outputs).toBeLessThan(8);
  });

  it('refuses a mesh that is larger than the devices', async () => {
    await expect(open({ mesh: { data: 16 } })).rejects.toThrow(/mesh \{ data: 16 \} wants 16 devices and there are 8/);
    await expect(open({ mesh: { data: 0 } })).rejects.toThrow(/without a whole positive length/);
  });
});
