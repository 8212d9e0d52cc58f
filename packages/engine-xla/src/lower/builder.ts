import type { TypedArray } from '@dinov2/jit';
import { bytesText, scalarText, uniform } from './literal';
import type { FunctionInfo, Module } from './module';
import { broadcastShape, isFloat, sameShape, typesText, typeText, type ElementType, type Spec, type Tensor } from './tensor';

export type Direction = 'EQ' | 'NE' | 'LT' | 'LE' | 'GT' | 'GE';
export type Reducer = 'add' | 'multiply' | 'maximum' | 'minimum' | 'and' | 'or';

/** Axes of a product: `batch` and `contract` are pairs of lists, left operand first. */
export interface DotAxes {
  readonly batch?: readonly [readonly number[], readonly number[]];
  readonly contract: readonly [readonly number[], readonly number[]];
}

/** How a window moves over each axis. */
export interface Window {
  readonly size: readonly number[];
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

const list = (values: readonly number[]): string => `[${values.join(', ')}]`;
const array = (values: readonly number[]): string => (values.length === 0 ? 'array<i64>' : `array<i64: ${values.join(', ')}>`);
const pairs = ({ low, high }: Pick<Window, 'low' | 'high'>): string => low.map((before, axis) => `[${before}, ${high[axis]}]`).join(', ');

/** Writes the body of one function or region. Tensors of outside are not visible inside a region. */
export class Builder {
  readonly #module: Module;
  readonly #numbers: { next: number };
  /** Constants stand before everything else, so that each is written once. */
  readonly #head: string[] = [];
  readonly #lines: string[] = [];
  readonly #interned = new Map<string, Tensor>();

  constructor(module: Module, numbers = { next: 0 }) {
    this.#module = module;
    this.#numbers = numbers;
  }

  text(): string {
    return [...this.#head, ...this.#lines].map((line) => `    ${line}\n`).join('');
  }

  /** `%7 = ${operation}` with one result. */
  emit(operation: string, { shape, type }: Spec): Tensor {
    const name = this.#name();
    this.#lines.push(`${name} = ${operation}`);
    return { name, shape, type };
  }

  /** `%7:2 = ${operation}` with several results. */
  emitMany(operation: string, specs: readonly Spec[]): Tensor[] {
    const name = this.#name();
    this.#lines.push(`${name}:${specs.length} = ${operation}`);
    return specs.map(({ shape, type }, i) => ({ name: specs.length === 1 ? name : `${name}#${i}`, shape, type }));
  }

  /** Text of a region with its own arguments. */
  region(inputs: readonly Spec[], body: (b: Builder, inputs: Tensor[]) => readonly Tensor[]): string {
    const inner = new Builder(this.#module, this.#numbers);
    const parameters = inputs.map(({ shape, type }) => ({ name: this.#name(), shape, type }));
    const results = body(inner, parameters);
    const header = parameters.length > 0 ? `    ^bb0(${parameters.map((spec) => `${spec.name}: ${typeText(spec)}`).join(', ')}):\n` : '';
    return `{\n${header}${inner.text()}    stablehlo.return ${results.map(({ name }) => name).join(', ')} : ${results.map(typeText).join(', ')}\n    }`;
  }

  call({ name, outputs }: FunctionInfo, inputs: readonly Tensor[]): Tensor[] {
    return this.emitMany(`func.call @${name}(${names(inputs)}) : ${typesText(inputs)} -> ${typesText(outputs)}`, outputs);
  }

  // Constants

  scalar(value: number, type: ElementType): Tensor {
    return this.#constant(scalarText(value, type), { shape: [], type });
  }

  /** One value everywhere. */
  splat(value: number, { shape, type }: Spec): Tensor {
    const scalar = this.scalar(value, type);
    if (shape.length === 0) return scalar;
    return this.#intern(`stablehlo.broadcast_in_dim ${scalar.name}, dims = [] : (${typeText(scalar)}) -> ${typeText({ shape, type })}`, { shape, type });
  }

  constant(data: TypedArray, { shape, type }: Spec): Tensor {
    const same = uniform(data);
    if (same !== undefined) return this.splat(same, { shape, type });
    if (data.length === 0) return this.#constant('', { shape, type });
    if (type !== 'i1') return this.#constant(bytesText(data), { shape, type });
    return this.convert(this.#constant(bytesText(Int8Array.from(data)), { shape, type: 'i8' }), 'i1');
  }

  integers(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
    return this.constant(Int32Array.from(values), { shape, type: 'i32' });
  }

  floats(values: ArrayLike<number>, shape: readonly number[]): Tensor {
    return this.constant(Float32Array.from(values), { shape, type: 'f32' });
  }

  iota(shape: readonly number[], axis: number, type: ElementType = 'i32'): Tensor {
    return this.#intern(`stablehlo.iota dim = ${axis} : ${typeText({ shape, type })}`, { shape, type });
  }

  // Elementwise

  /** @param operation - With its dialect: `stablehlo.exponential`. */
  unary(operation: string, x: Tensor): Tensor {
    if (operation.startsWith('chlo.')) return this.emit(`${operation} ${x.name} : ${typeText(x)} -> ${typeText(x)}`, x);
    return this.emit(`${operation} ${x.name} : ${typeText(x)}`, x);
  }

  /** Two operands of one type, broadcast. */
  binary(operation: string, x: Tensor, y: Tensor): Tensor {
    const [a, b] = this.#aligned(x, y);
    return this.emit(`stablehlo.${operation} ${a.name}, ${b.name} : ${typeText(a)}`, a);
  }

  add = (x: Tensor, y: Tensor): Tensor => this.binary('add', x, y);
  subtract = (x: Tensor, y: Tensor): Tensor => this.binary('subtract', x, y);
  multiply = (x: Tensor, y: Tensor): Tensor => this.binary('multiply', x, y);
  divide = (x: Tensor, y: Tensor): Tensor => this.binary('divide', x, y);
  maximum = (x: Tensor, y: Tensor): Tensor => this.binary('maximum', x, y);
  minimum = (x: Tensor, y: Tensor): Tensor => this.binary('minimum', x, y);
  and = (x: Tensor, y: Tensor): Tensor => this.binary('and', x, y);

  /** With a number as the second operand. */
  plus = (x: Tensor, value: number): Tensor => this.add(x, this.scalar(value, x.type));
  times = (x: Tensor, value: number): Tensor => this.multiply(x, this.scalar(value, x.type));

  compare(direction: Direction, x: Tensor, y: Tensor | number): Tensor {
    const [a, b] = this.#aligned(x, typeof y === 'number' ? this.scalar(y, x.type) : y);
    const kind = isFloat(a.type) ? 'FLOAT' : a.type === 'i1' ? 'UNSIGNED' : 'SIGNED';
    const result = { shape: a.shape, type: 'i1' } as const;
    return this.emit(`stablehlo.compare ${direction}, ${a.name}, ${b.name}, ${kind} : (${typeText(a)}, ${typeText(b)}) -> ${typeText(result)}`, result);
  }

  select(condition: Tensor, yes: Tensor, no: Tensor): Tensor {
    const shape = broadcastShape(condition.shape, broadcastShape(yes.shape, no.shape));
    const [p, t, e] = [condition, yes, no].map((x) => this.broadcast(x, shape)) as [Tensor, Tensor, Tensor];
    return this.emit(`stablehlo.select ${p.name}, ${t.name}, ${e.name} : ${typeText(p)}, ${typeText(t)}`, t);
  }

  /** As tfjs casts: floats to integers towards zero, anything but 0 is true. */
  convert(x: Tensor, type: ElementType): Tensor {
    if (x.type === type) return x;
    const result = { shape: x.shape, type };
    return this.emit(`stablehlo.convert ${x.name} : (${typeText(x)}) -> ${typeText(result)}`, result);
  }

  /** The same value, which the compiler takes for another. */
  barrier(x: Tensor): Tensor {
    return this.emit(`stablehlo.optimization_barrier ${x.name} : ${typeText(x)}`, x);
  }

  #aligned(x: Tensor, y: Tensor): [Tensor, Tensor] {
    const shape = broadcastShape(x.shape, y.shape);
    return [this.broadcast(x, shape), this.broadcast(y, shape)];
  }

  // Shape

  reshape(x: Tensor, shape: readonly number[]): Tensor {
    if (sameShape(x.shape, shape)) return x;
    const result = { shape, type: x.type };
    return this.emit(`stablehlo.reshape ${x.name} : (${typeText(x)}) -> ${typeText(result)}`, result);
  }

  /** Repeat along axes of length 1 and new axes in front. */
  broadcast(x: Tensor, shape: readonly number[]): Tensor {
    if (sameShape(x.shape, shape)) return x;
    return this.broadcastIn(x, shape, x.shape.map((_, axis) => axis + shape.length - x.shape.length));
  }

  /** Axis `i` of x becomes axis `dims[i]`. */
  broadcastIn(x: Tensor, shape: readonly number[], dims: readonly number[]): Tensor {
    const result = { shape, type: x.type };
    return this.emit(`stablehlo.broadcast_in_dim ${x.name}, dims = ${list(dims)} : (${typeText(x)}) -> ${typeText(result)}`, result);
  }

  transpose(x: Tensor, perm: readonly number[]): Tensor {
    if (perm.every((axis, i) => axis === i)) return x;
    const result = { shape: perm.map((axis) => x.shape[axis]!), type: x.type };
    return this.emit(`stablehlo.transpose ${x.name}, dims = ${list(perm)} : (${typeText(x)}) -> ${typeText(result)}`, result);
  }

  /** `limits` are exclusive. */
  slice(x: Tensor, begin: readonly number[], limits: readonly number[], strides: readonly number[] = begin.map(() => 1)): Tensor {
    const shape = begin.map((from, axis) => Math.max(0, Math.ceil((limits[axis]! - from) / strides[axis]!)));
    if (sameShape(shape, x.shape)) return x;
    const ranges = begin.map((from, axis) => `${from}:${limits[axis]}${strides[axis] === 1 ? '' : `:${strides[axis]}`}`);
    const result = { shape, type: x.type };
    return this.emit(`stablehlo.slice ${x.name} [${ranges.join(', ')}] : (${typeText(x)}) -> ${typeText(result)}`, result);
  }

  /** `count` places of one axis. */
  sliceAxis(x: Tensor, axis: number, from: number, count: number): Tensor {
    return this.slice(
      x,
      x.shape.map((_, i) => (i === axis ? from : 0)),
      x.shape.map((length, i) => (i === axis ? from + count : length)),
    );
  }

  concat(parts: readonly Tensor[], axis: number): Tensor {
    const [first] = parts;
    if (parts.length === 1) return first!;
    const shape = first!.shape.with(axis, parts.reduce((sum, part) => sum + part.shape[axis]!, 0));
    const result = { shape, type: first!.type };
    return this.emit(`stablehlo.concatenate ${names(parts)}, dim = ${axis} : ${typesText(parts)} -> ${typeText(result)}`, result);
  }

  /** Amounts may be negative, which cuts. */
  pad(x: Tensor, value: number, low: readonly number[], high: readonly number[], interior: readonly number[] = low.map(() => 0)): Tensor {
    if ([...low, ...high, ...interior].every((amount) => amount === 0)) return x;
    const filler = this.scalar(value, x.type);
    const shape = x.shape.map((length, axis) => low[axis]! + length + Math.max(0, length - 1) * interior[axis]! + high[axis]!);
    const result = { shape, type: x.type };
    return this.emit(
      `stablehlo.pad ${x.name}, ${filler.name}, low = ${list(low)}, high = ${list(high)}, interior = ${list(interior)} : (${typeText(x)}, ${typeText(filler)}) -> ${typeText(result)}`,
      result,
    );
  }

  reverse(x: Tensor, axes: readonly number[]): Tensor {
    return axes.length === 0 ? x : this.emit(`stablehlo.reverse ${x.name}, dims = ${list(axes)} : ${typeText(x)}`, x);
  }

  /** A box of x that begins at scalars of type i32. */
  dynamicSlice(x: Tensor, begin: readonly Tensor[], size: readonly number[]): Tensor {
    const result = { shape: size, type: x.type };
    return this.emit(
      `stablehlo.dynamic_slice ${names([x, ...begin])}, sizes = ${list(size)} : ${typesText([x, ...begin])} -> ${typeText(result)}`,
      result,
    );
  }

  dynamicUpdateSlice(x: Tensor, update: Tensor, begin: readonly Tensor[]): Tensor {
    return this.emit(`stablehlo.dynamic_update_slice ${names([x, update, ...begin])} : ${typesText([x, update, ...begin])} -> ${typeText(x)}`, x);
  }

  // Sums and products

  reduce(reducer: Reducer, x: Tensor, axes: readonly number[], keepDims = false): Tensor {
    if (axes.length === 0) return x;
    const initial = this.scalar(neutral(reducer, x.type), x.type);
    const result = { shape: x.shape.filter((_, axis) => !axes.includes(axis)), type: x.type };
    const reduced = this.emit(
      `stablehlo.reduce(${x.name} init: ${initial.name}) applies stablehlo.${reducer} across dimensions = ${list(axes)} : (${typeText(x)}, ${typeText(initial)}) -> ${typeText(result)}`,
      result,
    );
    return keepDims ? this.reshape(reduced, x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length))) : reduced;
  }

  /** Several tensors at once; `body` combines the values so far with the next ones. */
  reduceMany(
    inputs: readonly Tensor[],
    initial: readonly Tensor[],
    axes: readonly number[],
    body: (b: Builder, before: Tensor[], next: Tensor[]) => Tensor[],
  ): Tensor[] {
    const specs = initial.map(({ type }) => ({ shape: [], type }));
    const region = this.region([...specs, ...specs], (b, all) => body(b, all.slice(0, specs.length), all.slice(specs.length)));
    const results = inputs.map(({ shape, type }) => ({ shape: shape.filter((_, axis) => !axes.includes(axis)), type }));
    return this.emitMany(
      `"stablehlo.reduce"(${names([...inputs, ...initial])}) (${region}) {dimensions = ${array(axes)}} : ${typesText([...inputs, ...initial])} -> ${typesText(results)}`,
      results,
    );
  }

  reduceWindow(reducer: Reducer, x: Tensor, window: Window): Tensor {
    const initial = this.scalar(neutral(reducer, x.type), x.type);
    const ones = x.shape.map(() => 1);
    const { size, strides = ones, dilations = ones, low, high } = window;
    const shape = x.shape.map((length, axis) => {
      const reach = (size[axis]! - 1) * dilations[axis]! + 1;
      return Math.floor((length + low[axis]! + high[axis]! - reach) / strides[axis]!) + 1;
    });
    const scalar = { shape: [], type: x.type };
    const region = this.region([scalar, scalar], (b, [before, next]) => [b.binary(reducer, before!, next!)]);
    const result = { shape, type: x.type };
    return this.emit(
      `"stablehlo.reduce_window"(${x.name}, ${initial.name}) (${region}) {window_dimensions = ${array(size)}, window_strides = ${array(strides)}, ` +
        `window_dilations = ${array(dilations)}, padding = dense<[${pairs(window)}]> : tensor<${size.length}x2xi64>} : (${typeText(x)}, ${typeText(initial)}) -> ${typeText(result)}`,
      result,
    );
  }

  /** Each value of `source` added where its window of x has its maximum: with GE at the first of equal places, with GT at the last. */
  selectAndScatter(x: Tensor, source: Tensor, { size, strides = size.map(() => 1), low, high }: Window, direction: 'GE' | 'GT'): Tensor {
    const initial = this.scalar(0, x.type);
    const scalar = { shape: [], type: x.type };
    const select = this.region([scalar, scalar], (b, [before, next]) => [b.compare(direction, before!, next!)]);
    const scatter = this.region([scalar, scalar], (b, [before, next]) => [b.add(before!, next!)]);
    const inputs = [x, source, initial];
    return this.emit(
      `"stablehlo.select_and_scatter"(${names(inputs)}) (${select}, ${scatter}) {window_dimensions = ${array(size)}, window_strides = ${array(strides)}, ` +
        `padding = dense<[${pairs({ low, high })}]> : tensor<${size.length}x2xi64>} : ${typesText(inputs)} -> ${typeText(x)}`,
      x,
    );
  }

  /** Axes of the result: batch, then the others of x, then the others of y. Sums of float operands are made in float32. */
  dot(x: Tensor, y: Tensor, { batch = [[], []], contract }: DotAxes, type: ElementType = x.type): Tensor {
    const free = (operand: Tensor, side: 0 | 1) => operand.shape.filter((_, axis) => !batch[side].includes(axis) && !contract[side].includes(axis));
    const result = { shape: [...batch[0].map((axis) => x.shape[axis]!), ...free(x, 0), ...free(y, 1)], type };
    const batching = batch[0].length > 0 ? `batching_dims = ${list(batch[0])} x ${list(batch[1])}, ` : '';
    // Without it accelerators multiply float32 in fewer bits.
    const precision = x.type === 'f32' ? ', precision = [HIGHEST, HIGHEST]' : '';
    return this.emit(
      `stablehlo.dot_general ${x.name}, ${y.name}, ${batching}contracting_dims = ${list(contract[0])} x ${list(contract[1])}${precision} : (${typeText(x)}, ${typeText(y)}) -> ${typeText(result)}`,
      result,
    );
  }

  // Places

  /** `dimensions` and `sliceSizes` as in the specification of `stablehlo.gather`. */
  gather(x: Tensor, indices: Tensor, dimensions: string, sliceSizes: readonly number[], shape: readonly number[]): Tensor {
    const result = { shape, type: x.type };
    return this.emit(
      `"stablehlo.gather"(${x.name}, ${indices.name}) {dimension_numbers = #stablehlo.gather<${dimensions}>, indices_are_sorted = false, ` +
        `slice_sizes = ${array(sliceSizes)}} : (${typeText(x)}, ${typeText(indices)}) -> ${typeText(result)}`,
      result,
    );
  }

  /** Updates at places outside of x are dropped. */
  scatter(x: Tensor, indices: Tensor, updates: Tensor, dimensions: string, how: 'add' | 'replace', unique = false): Tensor {
    const scalar = { shape: [], type: x.type };
    const region = this.region([scalar, scalar], (b, [before, next]) => [how === 'add' ? b.add(before!, next!) : next!]);
    return this.emit(
      `"stablehlo.scatter"(${names([x, indices, updates])}) (${region}) {scatter_dimension_numbers = #stablehlo.scatter<${dimensions}>, ` +
        `indices_are_sorted = false, unique_indices = ${unique}} : ${typesText([x, indices, updates])} -> ${typeText(x)}`,
      x,
    );
  }

  /** Sort several tensors of one shape together; `before` says whether the first of two entries of `inputs[0]` comes first. */
  sort(inputs: readonly Tensor[], axis: number, before: (b: Builder, x: Tensor, y: Tensor) => Tensor): Tensor[] {
    const scalars = inputs.flatMap(({ type }) => [{ shape: [], type }, { shape: [], type }]);
    const region = this.region(scalars, (b, [x, y]) => [before(b, x!, y!)]);
    return this.emitMany(
      `"stablehlo.sort"(${names(inputs)}) (${region}) {dimension = ${axis} : i64, is_stable = true} : ${typesText(inputs)} -> ${typesText(inputs)}`,
      inputs,
    );
  }

  /** Run `body` on `state` a fixed number of times; its second argument is the number of the round, a scalar of type i32. */
  repeat(times: number, state: readonly Tensor[], body: (b: Builder, round: Tensor, state: Tensor[]) => readonly Tensor[]): Tensor[] {
    const all = [this.scalar(0, 'i32'), ...state];
    const condition = this.region(all, (b, [round]) => [b.compare('LT', round!, times)]);
    const loop = this.region(all, (b, [round, ...rest]) => [b.plus(round!, 1), ...body(b, round!, rest)]);
    const types = typesText(all);
    return this.emitMany(`"stablehlo.while"(${names(all)}) (${condition}, ${loop}) : ${types} -> ${types}`, all).slice(1);
  }

  #name(): string {
    return `%${this.#numbers.next++}`;
  }

  #constant(elements: string, spec: Spec): Tensor {
    return this.#intern(`stablehlo.constant dense<${elements}> : ${typeText(spec)}`, spec);
  }

  #intern(operation: string, { shape, type }: Spec): Tensor {
    const known = this.#interned.get(operation);
    if (known !== undefined) return known;
    const name = this.#name();
    this.#head.push(`${name} = ${operation}`);
    const tensor = { name, shape, type };
    this.#interned.set(operation, tensor);
    return tensor;
  }
}

const names = (tensors: readonly Tensor[]): string => tensors.map(({ name }) => name).join(', ');

/** What a reduction of nothing gives. */
function neutral(reducer: Reducer, type: ElementType): number {
  switch (reducer) {
    case 'add':
    case 'or':
      return 0;
    case 'multiply':
    case 'and':
      return 1;
    case 'maximum':
      return isFloat(type) ? -Infinity : -(2 ** 31);
    case 'minimum':
      return isFloat(type) ? Infinity : 2 ** 31 - 1;
  }
}
