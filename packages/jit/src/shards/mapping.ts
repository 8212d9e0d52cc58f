import type { Attributes } from '@dinov2/primitives';
import { JitError } from '../errors';
import type { HalfType, Node, TypedArray, Value, ValueSpec } from '../graph';
import { valueOf } from '../passes/rewrite';

/**
 * The graph of all shards as far as it is built. A value is *shared*, the same for every shard, or *mapped*: then
 * its first axis counts the shards.
 */
export class Mapping {
  readonly nodes: Node[] = [];
  readonly constants = new Map<Value, TypedArray>();
  private readonly mapped = new Set<Value>();
  /** Shared values that devices hold parts of. */
  private readonly split = new Set<Value>();
  private readonly gathered = new Map<string, Value>();
  private nextId = 0;
  /** The node of one shard that is being mapped. */
  private current: Node | undefined;

  constructor(readonly count: number) {}

  isMapped(value: Value): boolean {
    return this.mapped.has(value);
  }

  input(spec: ValueSpec, kind: 'mapped' | 'shared' | 'split'): Value {
    const value = valueOf(this.nextId++, kind === 'mapped' ? { ...spec, shape: [this.count, ...spec.shape] } : spec);
    if (kind === 'mapped') this.mapped.add(value);
    if (kind === 'split') this.split.add(value);
    return value;
  }

  constant(data: TypedArray, spec: ValueSpec): Value {
    const value = valueOf(this.nextId++, spec);
    this.constants.set(value, data);
    return value;
  }

  begin(node: Node): void {
    this.current = node;
  }

  /** Append a node whose outputs are mapped if one of its inputs is; `outputs` are shapes with the axis of shards. */
  node(op: string, inputs: Readonly<Record<string, Value>>, attributes: Attributes, outputs: readonly ValueSpec[]): Value[] {
    const made = outputs.map((spec) => valueOf(this.nextId++, spec));
    const operands = Object.values(inputs);
    if (operands.some((value) => this.mapped.has(value))) for (const value of made) this.mapped.add(value);
    else if (operands.some((value) => this.split.has(value))) for (const value of made) if (value.shape.length > 0) this.split.add(value);
    this.push(op, inputs, attributes, made);
    return made;
  }

  /** The mean over shards, shared. */
  mean(x: Value): Value {
    if (!this.isMapped(x)) return x;
    const value = valueOf(this.nextId++, { shape: x.shape.slice(1), dtype: x.dtype });
    this.push('Mean', { x }, { axis: [0], keepDims: false }, [value]);
    return value;
  }

  /** A shared value as a computation over shards reads it: whole on every device, in the number format of a product that reads it. */
  whole(value: Value, stored?: HalfType): Value {
    if (!this.split.has(value)) return value;
    // The backward pass gathers again, so that nothing gathered is kept in between.
    const phase = this.current?.scope?.endsWith("'") ? 'backward' : 'forward';
    const key = `${phase} ${stored} ${value.id}`;
    const known = this.gathered.get(key);
    if (known !== undefined) return known;
    const made = valueOf(this.nextId++, { shape: value.shape, dtype: value.dtype, sharding: [], ...(stored && { stored }) });
    this.push('Reshard', { x: value }, { phase }, [made]);
    this.gathered.set(key, made);
    return made;
  }

  reshape(x: Value, shape: readonly number[]): Value {
    if (x.shape.length === shape.length && x.shape.every((d, i) => d === shape[i])) return x;
    return this.node('Reshape', { x }, { shape: [...shape] }, [{ ...x, shape }])[0];
  }

  /** A value with the axis of shards, repeated if it is shared. */
  spread(x: Value): Value {
    if (this.isMapped(x)) return x;
    const one = this.reshape(x, [1, ...x.shape]);
    const [value] = this.node('Tile', { x: one }, { reps: [this.count, ...x.shape.map(() => 1)] }, [{ ...x, shape: [this.count, ...x.shape], sharding: undefined }]);
    this.mapped.add(value);
    return value;
  }

  /** What an output of the current node is with the axis of shards. */
  overShards({ shape, dtype, stored }: ValueSpec): ValueSpec {
    return { shape: [this.count, ...shape], dtype, ...(stored && { stored }) };
  }

  /** All shards' rows under each other: (S, r, …) to (S · r, …). */
  joined(x: Value): Value {
    const [count, rows, ...rest] = this.spread(x).shape;
    return this.reshape(this.spread(x), [count * rows, ...rest]);
  }

  refuse(why: string): JitError {
    const { op, scope, source } = this.current ?? { op: 'a node' };
    const place = [scope && `in ${scope}`, source && `at ${source}`].filter(Boolean).join(' ');
    return new JitError(`${op}${place && ` (${place})`} cannot be computed for several shards at once: ${why}`);
  }

  private push(op: string, inputs: Readonly<Record<string, Value>>, attributes: Attributes, outputs: readonly Value[]): void {
    const { scope, source } = this.current ?? {};
    this.nodes.push({ op, inputs, attributes, outputs, ...(scope !== undefined && { scope }), ...(source !== undefined && { source }) });
  }
}
