import { resolve, tensorBytes, touched, type Program, type Step, type Storage, type Tensor } from '../program';
import { pack } from './pack';

/** Where an outermost storage lies during a run. */
export type Place =
  | { readonly kind: 'arena'; readonly bin: number; readonly offset: number }
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'output'; readonly slot: number }
  | { readonly kind: 'constant' };

/** Whose memory a graph output is: a donated input's or a new block's. */
type Result =
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'output'; readonly slot: number };

export interface Plan {
  readonly steps: readonly Step[];
  readonly places: ReadonlyMap<Storage, Place>;
  /** Bytes of the shared temporary memory, in one or more parts. */
  readonly arena: readonly number[];
  /** Bytes of each block that an output needs. */
  readonly slots: readonly number[];
  readonly results: readonly Result[];
}

/** From the first to the last step that touches a storage, and how many steps write to it. */
interface Life {
  first: number;
  last: number;
  writers: number;
}

/** Life of every outermost storage. Inputs begin before the first step, `held` tensors end after the last. */
function lives(steps: readonly Step[], inputs: readonly Storage[], held: readonly Tensor[]): Map<Storage, Life> {
  const lives = new Map<Storage, Life>();
  const touch = (storage: Storage, index: number): Life => {
    const { root } = resolve(storage);
    let life = lives.get(root);
    if (!life) lives.set(root, (life = { first: index, last: index, writers: 0 }));
    life.first = Math.min(life.first, index);
    life.last = Math.max(life.last, index);
    return life;
  };
  for (const input of inputs) touch(input, -1);
  steps.forEach((step, index) => {
    for (const { storage } of touched(step)) touch(storage, index);
    for (const { storage } of step.outputs) touch(storage, index).writers++;
  });
  for (const { storage } of held) touch(storage, steps.length);
  return lives;
}

/** The tensor is all of its outermost storage. */
function covers(tensor: Tensor): boolean {
  const { root, offset } = resolve(tensor.storage, tensor.offset);
  return offset === 0 && root.bytes === tensorBytes(tensor);
}

interface Range {
  readonly root: Storage;
  readonly from: number;
  readonly to: number;
}

function rangeOf(tensor: Tensor): Range {
  const { root, offset } = resolve(tensor.storage, tensor.offset);
  return { root, from: offset, to: offset + tensorBytes(tensor) };
}

const sameRange = (a: Range, b: Range) => a.root === b.root && a.from === b.from && a.to === b.to;
const disjoint = (a: Range, b: Range) => a.root !== b.root || a.to <= b.from || b.to <= a.from;

/** Writing `output` over `input` disturbs no other operand of the step. */
function sparesOthers(step: Step, input: number): boolean {
  const target = rangeOf(step.inputs[input] as Tensor);
  return step.inputs.every((other) => {
    if (other === null) return true;
    const range = rangeOf(other);
    return disjoint(range, target) || sameRange(range, target);
  });
}

/** The output may be written straight into the donated input: nobody reads the input afterwards. */
function canOverwrite(steps: readonly Step[], alive: ReadonlyMap<Storage, Life>, input: Storage, output: Tensor): boolean {
  const { root } = resolve(output.storage);
  if (root.kind !== 'temporary' || !covers(output) || root.bytes !== input.bytes) return false;
  const { first } = alive.get(root) as Life;
  const { last } = alive.get(input) as Life;
  if (last !== first) return last < first;
  const step = steps[first];
  return step.inPlace.some(
    ([i, o]) =>
      step.inputs[i] !== null &&
      resolve(step.inputs[i].storage).root === input &&
      covers(step.inputs[i]) &&
      step.outputs[o] !== undefined &&
      resolve(step.outputs[o].storage).root === root &&
      sparesOthers(step, i),
  );
}

const copy = (from: Tensor, to: Tensor): Step => ({ kind: 'copy', inputs: [from], outputs: [to], inPlace: [], node: null });

const like = (tensor: Tensor, kind: Storage['kind'] = 'temporary'): Tensor => ({
  ...tensor,
  storage: { bytes: tensorBytes(tensor), kind },
  offset: 0,
});

/**
 * Decide where every tensor of a program lies. Sets the parents of storages that are shared.
 *
 * @param donations - Pairs (input, output): the output ends up in the memory of the input.
 * @param capacity - Largest part of the arena.
 */
export function makePlan(
  program: Program,
  donations: readonly (readonly [input: number, output: number])[],
  capacity = Infinity,
): Plan {
  const { inputs, outputs } = program;
  const alive = lives(program.steps, inputs, outputs);
  const results: Result[] = new Array(outputs.length);
  const slots: number[] = [];
  const claimed = new Map<Storage, number>();
  /** Copies at the end: first those that read inputs, then those that overwrite them. */
  const reads: Step[] = [];
  const writes: Step[] = [];

  for (const [index, output] of donations) {
    const input = inputs[index];
    const tensor = outputs[output];
    const { root } = resolve(tensor.storage);
    results[output] = { kind: 'input', index };
    if (root === input && covers(tensor)) continue;
    if (canOverwrite(program.steps, alive, input, tensor)) {
      (alive.get(input) as Life).last = program.steps.length;
      root.parent = { storage: input, offset: 0 };
      continue;
    }
    const target: Tensor = { ...tensor, storage: input, offset: 0 };
    let source = tensor;
    if (root.kind === 'input') {
      source = like(tensor);
      reads.push(copy(tensor, source));
    }
    writes.push(copy(source, target));
  }

  outputs.forEach((tensor, index) => {
    if (results[index]) return;
    const { root } = resolve(tensor.storage);
    const slot = slots.push(tensorBytes(tensor)) - 1;
    results[index] = { kind: 'output', slot };
    if (root.kind === 'temporary' && covers(tensor) && !claimed.has(root)) {
      claimed.set(root, slot);
    } else {
      const own = like(tensor);
      claimed.set(own.storage, slot);
      reads.push(copy(tensor, own));
    }
  });

  const steps = [...program.steps, ...reads, ...writes];
  const held = outputs.filter((tensor, i) => results[i].kind === 'output' || resolve(tensor.storage).root.kind === 'input');
  shareContainers(steps, lives(steps, inputs, held), claimed);
  shareInPlace(steps, lives(steps, inputs, held), claimed);

  const places = new Map<Storage, Place>();
  inputs.forEach((input, index) => places.set(input, { kind: 'input', index }));
  for (const [storage, slot] of claimed) places.set(resolve(storage).root, { kind: 'output', slot });
  const used = lives(steps, inputs, []);
  // Others are part of sessions.
  for (const constant of program.constants.keys()) if (used.has(constant)) places.set(constant, { kind: 'constant' });
  const temporary = [...used].filter(([storage]) => !places.has(storage));
  const { placements, bins } = pack(
    temporary.map(([{ bytes }, { first, last }]) => ({ first, last, bytes })),
    capacity,
  );
  temporary.forEach(([storage], i) => places.set(storage, { kind: 'arena', ...placements[i] }));
  return { steps, places, arena: bins, slots, results };
}

/**
 * A tensor that several steps write part by part takes over the memory of a dying tensor if every part can be
 * written over the same part of that: the gradient of split logits over the logits.
 */
function shareContainers(steps: readonly Step[], alive: ReadonlyMap<Storage, Life>, claimed: ReadonlyMap<Storage, number>): void {
  const writers = new Map<Storage, { index: number; output: number }[]>();
  const readers = new Map<Storage, { index: number; range: Range }[]>();
  const add = <T>(map: Map<Storage, T[]>, key: Storage, item: T) => {
    const items = map.get(key);
    if (items) items.push(item);
    else map.set(key, [item]);
  };
  steps.forEach((step, index) => {
    step.outputs.forEach((tensor, output) => add(writers, resolve(tensor.storage).root, { index, output }));
    for (const tensor of step.inputs) if (tensor) add(readers, resolve(tensor.storage).root, { index, range: rangeOf(tensor) });
  });
  for (const [whole, parts] of writers) {
    if (parts.length < 2 || whole.kind !== 'temporary' || whole.parent || claimed.has(whole)) continue;
    const source = sourceOf(steps, parts);
    if (!source || source.kind !== 'temporary' || source.bytes !== whole.bytes || claimed.has(source)) continue;
    const life = alive.get(whole) as Life;
    const ranges = parts.map(({ index, output }) => ({ index, range: rangeOf(steps[index].outputs[output]) }));
    // Nothing reads or writes a part of the old tensor once the new one is there.
    const free =
      (writers.get(source) ?? []).every(({ index }) => index < life.first) &&
      (readers.get(source) ?? []).every(({ index, range }) =>
        ranges.every((part) => part.range.to <= range.from || range.to <= part.range.from || index <= part.index),
      ) &&
      (alive.get(source) as Life).last <= life.last;
    if (free) whole.parent = { storage: source, offset: 0 };
  }
}

/** The storage that all parts can be written over, each at its own place. */
function sourceOf(steps: readonly Step[], parts: readonly { index: number; output: number }[]): Storage | undefined {
  const sources = parts.map(({ index, output }) => {
    const step = steps[index];
    const target = rangeOf(step.outputs[output]);
    const pair = step.inPlace.find(([i, o]) => {
      const input = step.inputs[i];
      if (o !== output || !input) return false;
      const range = rangeOf(input);
      return range.root !== target.root && range.from === target.from && range.to === target.to && sparesOthers(step, i);
    });
    return pair && resolve((step.inputs[pair[0]] as Tensor).storage).root;
  });
  return sources.every((source) => source === sources[0]) ? sources[0] : undefined;
}

/** Let outputs of steps take over the memory of inputs that die there, where the kernel allows it. */
function shareInPlace(steps: readonly Step[], alive: Map<Storage, Life>, claimed: ReadonlyMap<Storage, number>): void {
  steps.forEach((step, index) => {
    const taken = new Set<Storage>();
    for (const [i, o] of step.inPlace) {
      const input = step.inputs[i];
      const output = step.outputs[o];
      if (!input || !output) continue;
      const to = resolve(output.storage).root;
      const from = rangeOf(input);
      const target = alive.get(to) as Life;
      const source = alive.get(from.root) as Life;
      const fresh = to.kind === 'temporary' && to !== from.root && target.writers === 1 && target.first === index && covers(output);
      const dying = from.root.kind === 'temporary' && source.last === index && !taken.has(from.root);
      if (!fresh || !dying || to.bytes !== from.to - from.from || taken.has(to)) continue;
      if (claimed.has(to) && !covers(input)) continue;
      if (!sparesOthers(step, i)) continue;
      to.parent = { storage: from.root, offset: from.from };
      source.last = Math.max(source.last, target.last);
      source.writers += target.writers;
      taken.add(from.root).add(to);
    }
  });
}
