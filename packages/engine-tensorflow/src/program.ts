import type { Graph, TypedArray, Value } from '@dinov2/jit';
import { Builder, nodeOf, type, type BuilderOptions, type Tensor } from './builder';
import { bytesOf, type ElementType } from './element-type';
import { GraphLowering } from './lower-graph';
import { shapeMessage, type NodeMessage } from './messages';

/** Arrays up to this size that are not donated are fed at every call. */
const smallBytes = 1 << 16;
/** Constants from this size on are variables, so that the graph stays small. */
const largeConstantBytes = 1 << 16;
/** Variables are read and assigned together up to this size. */
const groupBytes = 1 << 28;

/** A resource variable: state that a call replaces, an array that many calls read, or a large constant. */
export interface Variable {
  /** What is fed to assign it. */
  readonly feed: Tensor;
  /** What is fetched to read it, in the type of the graph's value. */
  readonly value: Tensor;
  readonly group: Group;
}

/** Variables that one call assigns, or one call reads. */
interface Group {
  readonly members: readonly number[];
  /** Fetched to assign all members. */
  readonly assigned: Tensor;
}

/** Where an input comes from. */
export type Input =
  | { readonly kind: 'variable'; readonly variable: number }
  | { readonly kind: 'fed'; readonly feed: Tensor }
  /** Read from the variable unless it is fed. */
  | { readonly kind: 'either'; readonly feed: Tensor; readonly variable: number };

type Output = { readonly kind: 'variable'; readonly variable: number } | { readonly kind: 'fetched'; readonly value: Tensor };

/** What is fed, fetched and assigned. */
export interface Layout {
  readonly variables: readonly Variable[];
  readonly inputs: readonly Input[];
  readonly outputs: readonly Output[];
  /** Fetched so that the variables of donated inputs get their new values. */
  readonly done: Tensor;
}

/** A graph as TensorFlow runs it. */
export interface Program {
  readonly nodes: readonly NodeMessage[];
  readonly layout: Layout;
  readonly constants: readonly { readonly variable: number; readonly data: TypedArray }[];
}

/** Ops whose result may lie in the memory of their input. */
const sharing: ReadonlySet<string> = new Set([
  'Identity', 'Reshape', 'Slice', 'SplitV', 'StridedSlice', 'Unpack', 'Pack', 'ConcatV2', 'Tile', 'Transpose', 'ReverseV2', 'PadV2', 'MirrorPad',
  'PlaceholderWithDefault',
]);

/** Replaced by every call, held for many calls, or never changed. */
type Purpose = 'state' | 'held' | 'constant';

interface WrittenVariable extends Omit<Variable, 'group'> {
  readonly purpose: Purpose;
  readonly handle: Tensor;
  readonly read: Tensor;
  readonly assigned: Tensor;
  readonly bytes: number;
}

class ProgramWriter {
  readonly b: Builder;
  readonly variables: WrittenVariable[] = [];

  constructor(options: BuilderOptions) {
    this.b = new Builder(options);
  }

  placeholder(name: string, { shape, type: t }: { shape: readonly number[]; type: ElementType }): Tensor {
    return this.b.op('Placeholder', [], { shape, type: t }, { dtype: type(t), shape: { shape: shapeMessage(shape) } }, { name });
  }

  /** A variable in the type that the value is stored in; it is fed and read in the value's own. */
  variable(purpose: Purpose, { shape, dtype, stored }: Omit<Value, 'id'>): number {
    const { b } = this;
    const index = this.variables.length;
    const t = stored ?? dtype;
    const attributes = { dtype: type(t), shape: { shape: shapeMessage(shape) }, shared_name: { s: `v${index}` } };
    // A handle's own type and shape are never read.
    const handle = b.op('VarHandleOp', [], { shape: [], type: 'int64' }, attributes, { name: `v${index}` });
    const read = b.op('ReadVariableOp', [handle], { shape, type: t }, { dtype: type(t) }, { name: `r${index}` });
    const feed = this.placeholder(`f${index}`, { shape, type: dtype });
    const assigned = this.assign({ handle }, b.cast(this.copy(feed), t), []);
    const value = b.op('Identity', [b.cast(read, dtype)], { shape, type: dtype }, { T: type(dtype) }, { name: `x${index}` });
    this.variables.push({ purpose, handle, read, feed, value, assigned, bytes: bytesOf(shape, t) });
    return index;
  }

  assign({ handle }: { handle: Tensor }, value: Tensor, after: readonly Tensor[]): Tensor {
    return this.b.op('AssignVariableOp', [handle, value], { shape: [], type: 'bool' }, { dtype: type(value) }, { after });
  }

  /** Memory of the host's arrays must not end up in a variable: it belongs to JavaScript. */
  copy(x: Tensor): Tensor {
    return this.b.op('DeepCopy', [x], x, { T: type(x) });
  }

  /** A value that can be fetched once all of `after` have run. */
  readonly barrier = (after: readonly Tensor[], name: string): Tensor =>
    this.b.op('Const', [], { shape: [], type: 'bool' }, {
      dtype: type('bool'),
      value: { tensor: { dtype: 10, tensorShape: { dim: [] }, tensorContent: Uint8Array.of(1) } },
    }, { after, name });
}

/** Whether a value may lie in memory that was fed. */
function mayBeFed(nodes: readonly NodeMessage[]): (tensor: Tensor) => boolean {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const known = new Map<string, boolean>();
  const visit = (name: string): boolean => {
    const cached = known.get(name);
    if (cached !== undefined) return cached;
    const node = byName.get(name) as NodeMessage;
    const result =
      node.op === 'Placeholder' ||
      node.op === 'PlaceholderWithDefault' ||
      (sharing.has(node.op) && node.input.some((input) => !input.startsWith('^') && visit(input.replace(/:\d+$/, ''))));
    known.set(name, result);
    return result;
  };
  return (tensor) => visit(nodeOf(tensor));
}

/** Lower a graph whose donated inputs live in variables. */
export function writeProgram(graph: Graph, donations: readonly (readonly [number, number])[], options: BuilderOptions): Program {
  const writer = new ProgramWriter(options);
  const { b, variables } = writer;
  const replaced = new Map(donations);
  const tensors = new Map<Value, Tensor>();
  const inputs = graph.inputs.map((value, i): Input => {
    const spec = { shape: value.shape, type: value.dtype };
    const stored = (x: Tensor) => tensors.set(value, b.cast(x, value.stored ?? value.dtype));
    if (replaced.has(i)) {
      const variable = writer.variable('state', value);
      stored(variables[variable].read);
      return { kind: 'variable', variable };
    }
    if (bytesOf(value.shape, value.dtype) <= smallBytes || value.dtype !== 'float32') {
      const feed = writer.placeholder(`i${i}`, spec);
      stored(feed);
      return { kind: 'fed', feed };
    }
    const variable = writer.variable('held', { shape: value.shape, dtype: value.dtype });
    const feed = b.op('PlaceholderWithDefault', [variables[variable].read], spec, { dtype: type(value.dtype), shape: { shape: shapeMessage(value.shape) } }, { name: `i${i}` });
    stored(feed);
    return { kind: 'either', feed, variable };
  });
  const constants: { variable: number; data: TypedArray }[] = [];
  for (const [value, data] of graph.constants) {
    if (value.dtype !== 'float32' || data.byteLength < largeConstantBytes) continue;
    const variable = writer.variable('constant', value);
    tensors.set(value, variables[variable].read);
    constants.push({ variable, data });
  }

  new GraphLowering(b).lower(graph, tensors);

  const fed = mayBeFed(b.nodes);
  const receiver = new Map(donations.map(([input, output]) => [output, (inputs[input] as { variable: number }).variable]));
  const updates: Tensor[] = [];
  const outputs = graph.outputs.map((value, i): Output => {
    const tensor = tensors.get(value) as Tensor;
    const variable = receiver.get(i);
    if (variable === undefined) {
      return { kind: 'fetched', value: b.op('Identity', [b.cast(tensor, value.dtype)], { shape: value.shape, type: value.dtype }, { T: type(value.dtype) }, { name: `o${i}` }) };
    }
    const { handle, read } = variables[variable];
    const own = fed(tensor) ? writer.copy(tensor) : tensor;
    updates.push(writer.assign({ handle }, b.cast(own, read.type), [read]));
    return { kind: 'variable', variable };
  });
  const done = writer.barrier(updates, 'done');
  const layout = { variables: grouped(writer), inputs, outputs, done };
  return { nodes: b.nodes, layout, constants };
}

/** Put neighbours of one purpose together, so that a large state is moved by few calls. */
function grouped({ variables, barrier }: ProgramWriter): Variable[] {
  const groups: { members: number[]; bytes: number; purpose: Purpose }[] = [];
  for (const purpose of ['state', 'held', 'constant'] as const) {
    for (const [index, variable] of variables.entries()) {
      if (variable.purpose !== purpose) continue;
      const last = groups.at(-1);
      if (last?.purpose === purpose && last.bytes + variable.bytes <= groupBytes) {
        last.members.push(index);
        last.bytes += variable.bytes;
      } else {
        groups.push({ members: [index], bytes: variable.bytes, purpose });
      }
    }
  }
  const result: Variable[] = [];
  groups.forEach(({ members }, i) => {
    const group: Group = { members, assigned: barrier(members.map((member) => variables[member].assigned), `g${i}`) };
    for (const member of members) result[member] = { feed: variables[member].feed, value: variables[member].value, group };
  });
  return result;
}
