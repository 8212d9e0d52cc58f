import { elements, type Graph, type Node, typedArray, type TypedArray, type Value } from '../graph';
import { rewrite, type Rewriting } from './rewrite';
import { filled, uniformValue } from './uniform';

/** Rounded to float32 afterwards, as tfjs does when it stores the result. */
const unary: Readonly<Record<string, (x: number) => number>> = {
  Abs: Math.abs,
  Cos: Math.cos,
  Exp: Math.exp,
  Log: Math.log,
  Neg: (x) => -x,
  Reciprocal: (x) => 1 / x,
  Rsqrt: (x) => 1 / Math.sqrt(x),
  Sin: Math.sin,
  Sqrt: Math.sqrt,
  Square: (x) => x * x,
};

const binary: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Maximum: Math.max,
  Minimum: Math.min,
  Multiply: (a, b) => a * b,
  Pow: Math.pow,
  RealDiv: (a, b) => a / b,
  SquaredDifference: (a, b) => (a - b) ** 2,
  Sub: (a, b) => a - b,
};

/** Sequences longer than this stay nodes. */
const maxSequence = 4096;

function sequence({ op, attributes, outputs: [{ shape, dtype }] }: Node): TypedArray | undefined {
  const [length] = shape;
  if (length > maxSequence) return undefined;
  const values = typedArray(new Array<number>(length).fill(0), dtype);
  const a = attributes as { start: number; stop: number; step?: number };
  // Summed in the tensor's own precision, as tfjs does.
  const step = op === 'LinSpace' ? (a.stop - a.start) / (length - 1) : a.stop < a.start && a.step === 1 ? -1 : (a.step as number);
  for (let i = 0; i < length; i++) values[i] = i === 0 ? a.start : values[i - 1] + step;
  return values;
}

function fold(node: Node, rewriting: Rewriting): Value | undefined {
  const [output] = node.outputs;
  if (node.op === 'Range' || node.op === 'LinSpace') {
    const data = sequence(node);
    return data && rewriting.constant(data, output);
  }
  if (node.op === 'Reshape' && elements(output) > 0) {
    const data = rewriting.data(node.inputs.x);
    return data && rewriting.constant(data, output);
  }
  if (output.dtype !== 'float32' || elements(output) === 0) return undefined;
  const inputs = Object.values(node.inputs);
  if (inputs.some(({ dtype }) => dtype !== 'float32')) return undefined;
  const arity = { 1: unary, 2: binary }[inputs.length];
  if (arity === undefined || !(node.op in arity)) return undefined;
  const [a, b] = inputs.map((value) => uniformValue(value, rewriting));
  if (a === undefined || (inputs.length === 2 && b === undefined)) return undefined;
  const result = inputs.length === 2 ? binary[node.op](a, b as number) : unary[node.op](a);
  return filled(Math.fround(result), output, rewriting);
}

/** Compute what depends only on filled tensors and short sequences. */
export const foldConstants = (graph: Graph): Graph =>
  rewrite(graph, (node, rewriting) => {
    const value = fold(node, rewriting);
    return value && [value];
  });
