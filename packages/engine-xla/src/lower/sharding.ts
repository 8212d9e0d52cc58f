import { meshSize, type Mesh, type Sharding } from '@dinov2/jit';
import type { Builder } from './builder';
import { type Spec, type Tensor, typeText } from './tensor';

/**
 * A sharding as XLA's partitioner reads it (the text form of `OpSharding`): `{devices=[8,1]<=[8]}`.
 *
 * Tiles are counted along the axes of the array, and the devices that hold them are written as the mesh's axes brought
 * into that order: first those that split, then those over which the array is repeated.
 */
export function shardingText(sharding: Sharding, rank: number, mesh: Mesh): string {
  const axes = Object.keys(mesh);
  const split = Array.from({ length: rank }, (_, axis) => (sharding[axis] ?? []).filter((name) => mesh[name]! > 1));
  const used = split.flat();
  if (used.length === 0) return '{replicated}';
  const repeated = axes.filter((name) => mesh[name]! > 1 && !used.includes(name));
  const tiles = split.map((names) => names.reduce((product, name) => product * mesh[name]!, 1));
  const copies = repeated.reduce((product, name) => product * mesh[name]!, 1);
  const order = [...used, ...repeated];
  const kept = axes.filter((name) => mesh[name]! > 1);
  const perm = order.map((name) => kept.indexOf(name));
  const inOrder = perm.every((axis, i) => axis === i);
  const devices = inOrder ? `[${meshSize(mesh)}]` : `[${kept.map((name) => mesh[name]).join(',')}]T(${perm.join(',')})`;
  const tile = [...tiles, ...(copies > 1 ? [copies] : [])].join(',');
  return `{devices=[${tile}]<=${devices}${copies > 1 ? ' last_tile_dim_replicate' : ''}}`;
}

/** Attribute of an argument or result. */
export const shardingAttribute = (sharding: Sharding, rank: number, mesh: Mesh): string => `mhlo.sharding = "${shardingText(sharding, rank, mesh)}"`;

function annotation(b: Builder, call: string, x: Tensor, sharding: string, spec: Spec): Tensor {
  return b.emit(`stablehlo.custom_call @${call}(${x.name}) {backend_config = "", mhlo.sharding = "${sharding}"} : (${typeText(x)}) -> ${typeText(spec)}`, spec);
}

/** The same values, lying like this from here on. */
export const sharded = (b: Builder, x: Tensor, sharding: Sharding, mesh: Mesh): Tensor =>
  annotation(b, 'Sharding', x, shardingText(sharding, x.shape.length, mesh), x);

/**
 * Run `body` on each device's part of the first axis. For custom calls: the partitioner does not see into them and
 * would gather their operands.
 */
export function onEachDevice(b: Builder, devices: number, inputs: readonly Tensor[], body: (parts: Tensor[]) => Tensor[]): Tensor[] {
  if (devices === 1) return body([...inputs]);
  const split = ({ shape }: Spec): string => `{devices=[${[devices, ...shape.slice(1).map(() => 1)].join(',')}]<=[${devices}]}`;
  const resized = ({ shape, type }: Spec, length: number): Spec => ({ shape: shape.with(0, length), type });
  const parts = inputs.map((x) => annotation(b, 'SPMDFullToShardShape', annotation(b, 'Sharding', x, split(x), x), '{manual}', resized(x, x.shape[0]! / devices)));
  return body(parts).map((x) => annotation(b, 'SPMDShardToFullShape', annotation(b, 'Sharding', x, '{manual}', x), split(x), resized(x, x.shape[0]! * devices)));
}
