import { type Mesh, shardShape, shardStart, type Sharding } from '@dinov2/jit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shardingText } from './sharding';

/** For each device, which tile of each array axis it holds: the notation worked out by hand. */
function tilesOf(text: string, rank: number, deviceCount: number): number[][] {
  if (text === '{replicated}') return Array.from({ length: deviceCount }, () => Array<number>(rank).fill(0));
  const [, tile, shape, perm] = /^\{devices=\[([\d,]+)\]<=\[([\d,]+)\](?:T\(([\d,]+)\))?/.exec(text)!;
  const numbers = (list: string) => list.split(',').map(Number);
  const reshape = numbers(shape!);
  const order = perm === undefined ? reshape.map((_, i) => i) : numbers(perm);
  const dims = numbers(tile!);
  // Device numbers 0, 1, … in the given shape, transposed, then flattened, fill the tiles in row-major order.
  const transposed = order.map((axis) => reshape[axis]!);
  const stride = reshape.map((_, axis) => reshape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const tiles: number[][] = [];
  for (let flat = 0; flat < deviceCount; flat++) {
    let rest = flat;
    let device = 0;
    for (let i = transposed.length - 1; i >= 0; i--) {
      device += (rest % transposed[i]!) * stride[order[i]!]!;
      rest = Math.floor(rest / transposed[i]!);
    }
    let place = flat;
    const at = dims.toReversed().map((length) => {
      const here = place % length;
      place = Math.floor(place / length);
      return here;
    });
    tiles[device] = at.reverse().slice(0, rank);
  }
  return tiles;
}

describe('shardingText', () => {
  const mesh = { data: 4, fsdp: 2 };

  // As jax.sharding.NamedSharding writes them for the same meshes.
  it.each<[Mesh, Sharding, number, string]>([
    [mesh, [['data']], 1, '{devices=[4,2]<=[8] last_tile_dim_replicate}'],
    [mesh, [[], ['data']], 2, '{devices=[1,4,2]<=[8] last_tile_dim_replicate}'],
    [mesh, [['fsdp']], 2, '{devices=[2,1,4]<=[4,2]T(1,0) last_tile_dim_replicate}'],
    [mesh, [['data', 'fsdp']], 3, '{devices=[8,1,1]<=[8]}'],
    [mesh, [['fsdp', 'data']], 3, '{devices=[8,1,1]<=[4,2]T(1,0)}'],
    [mesh, [['fsdp'], ['data']], 2, '{devices=[2,4]<=[4,2]T(1,0)}'],
    [mesh, [['data'], ['fsdp']], 2, '{devices=[4,2]<=[8]}'],
    [mesh, [], 2, '{replicated}'],
    [mesh, [[], [], ['fsdp']], 3, '{devices=[1,1,2,4]<=[4,2]T(1,0) last_tile_dim_replicate}'],
    [{ data: 1, fsdp: 8 }, [['data', 'fsdp']], 1, '{devices=[8]<=[8]}'],
    [{ data: 8, fsdp: 1 }, [['fsdp']], 1, '{replicated}'],
    [{ data: 8, fsdp: 1 }, [['data'], ['fsdp']], 2, '{devices=[8,1]<=[8]}'],
  ])('%j, %j', (on, sharding, rank, expected) => {
    expect(shardingText(sharding, rank, on)).toBe(expected);
  });

  it('puts every part on the device that shardStart says', () => {
    const meshes = fc.record({ a: fc.integer({ min: 1, max: 4 }), b: fc.integer({ min: 1, max: 3 }), c: fc.integer({ min: 1, max: 3 }) });
    fc.assert(
      fc.property(meshes, fc.shuffledSubarray(['a', 'b', 'c']), fc.array(fc.nat({ max: 2 }), { minLength: 3, maxLength: 3 }), (on, names, axes) => {
        const sharding: string[][] = [[], [], []];
        names.forEach((name, i) => sharding[axes[i]!]!.push(name));
        const shape = sharding.map((split) => split.reduce((product, name) => product * on[name as 'a'], 2));
        const devices = on.a * on.b * on.c;
        const part = shardShape(shape, sharding, on);
        const tiles = tilesOf(shardingText(sharding, 3, on), 3, devices);
        for (let device = 0; device < devices; device++) {
          expect(tiles[device]!.map((tile, axis) => tile * part[axis]!)).toEqual(shardStart(shape, sharding, on, device));
        }
      }),
    );
  });
});
