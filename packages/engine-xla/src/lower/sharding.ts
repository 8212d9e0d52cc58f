import { meshSize, type Mesh, type Sharding } from '@dinov2/jit';
import type { Builder } from './builder';
import { type Tensor, typeText } from './tensor';

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

/** The same values, lying like this from here on. */
export function sharded(b: Builder, x: Tensor, sharding: Sharding, mesh: Mesh): Tensor {
  const type = typeText(x);
  return b.emit(`stablehlo.custom_call @Sharding(${x.name}) {backend_config = "", ${shardingAttribute(sharding, x.shape.length, mesh)}} : (${type}) -> ${type}`, x);
}
