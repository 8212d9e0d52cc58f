import type { Graph, TypedArray, Value } from './graph';

const name = (value: Value) => `%${value.id}`;
const type = ({ dtype, shape }: Value) => `${dtype}[${shape.join(',')}]`;

const literal = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(literal).join(',')}]`;
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return String(value);
};

const preview = (data: TypedArray) =>
  data.length <= 8 ? [...data].map((v) => +v.toPrecision(6)).join(', ') : `${data.length} values`;

/**
 * The graph as text: inputs, constants, one line per node with its shapes, attributes and scope, and
 * the outputs.
 */
export function formatGraph(graph: Graph): string {
  const lines = [`graph(${graph.inputs.map((v) => `${name(v)}: ${type(v)}`).join(', ')})`];
  for (const [value, data] of graph.constants) {
    lines.push(`  ${name(value)}: ${type(value)} = constant(${preview(data)})`);
  }
  for (const { op, inputs, attributes, outputs, scope } of graph.nodes) {
    const results = outputs.map((v) => `${name(v)}: ${type(v)}`).join(', ');
    const list = '0' in inputs;
    const args = Object.entries(inputs).map(([key, v]) => (list ? name(v) : `${key}=${name(v)}`));
    const attrs = Object.entries(attributes).map(([key, v]) => `${key}=${literal(v)}`);
    const call = `${op}(${args.join(', ')}${attrs.length > 0 ? `; ${attrs.join(', ')}` : ''})`;
    lines.push(`  ${results} = ${call}${scope === undefined ? '' : `  # ${scope}`}`);
  }
  lines.push(`  return ${graph.outputs.map(name).join(', ')}`);
  return lines.join('\n');
}

/** The same graph with a `toString()` that is {@link formatGraph}. */
export function printable(graph: Graph): Graph & { toString(): string } {
  return { ...graph, toString: () => formatGraph(graph) };
}
