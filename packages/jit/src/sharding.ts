/** Devices as a grid: the length of each of its named axes, in order, the last one running fastest. `{ data: 4, fsdp: 2 }` */
export type Mesh = Readonly<Record<string, number>>;

/**
 * How an array lies on a mesh: for each of its axes, the mesh axes that it is split over, the first of them
 * outermost. `[['fsdp'], []]` splits rows over `fsdp` and keeps columns whole. Over mesh axes that it does not name
 * the array is repeated; `[]` stands for an array that every device holds whole.
 */
export type Sharding = readonly (readonly string[])[];

/** Every device holds the whole array. */
export const replicated: Sharding = [];

export const meshSize = (mesh: Mesh): number => Object.values(mesh).reduce((a, b) => a * b, 1);

export const isReplicated = (sharding: Sharding | undefined): boolean => sharding === undefined || sharding.every((axes) => axes.length === 0);

const parts = (mesh: Mesh, axes: readonly string[]): number => axes.reduce((product, axis) => product * mesh[axis]!, 1);

/**
 * Shape of what one device holds of an array.
 *
 * @throws RangeError if an axis of the array cannot be split evenly, or the mesh has no such axis.
 */
export function shardShape(shape: readonly number[], sharding: Sharding, mesh: Mesh): number[] {
  return shape.map((length, i) => {
    const axes = sharding[i] ?? [];
    const unknown = axes.find((axis) => !(axis in mesh));
    if (unknown !== undefined) throw new RangeError(`the mesh has no axis "${unknown}"; it has ${Object.keys(mesh).join(', ')}.`);
    const count = parts(mesh, axes);
    if (length % count !== 0) throw new RangeError(`axis ${i} of (${shape.join(', ')}) has length ${length}, which does not split into ${count} equal parts.`);
    return length / count;
  });
}

/** Place of each mesh axis for device number `device`, devices counted in row-major order. */
export function meshPlace(mesh: Mesh, device: number): Record<string, number> {
  const place: Record<string, number> = {};
  let rest = device;
  for (const [axis, length] of Object.entries(mesh).reverse()) {
    place[axis] = rest % length;
    rest = Math.floor(rest / length);
  }
  return place;
}

/** Where a device's part of an array begins, per axis. */
export function shardStart(shape: readonly number[], sharding: Sharding, mesh: Mesh, device: number): number[] {
  const lengths = shardShape(shape, sharding, mesh);
  const place = meshPlace(mesh, device);
  return lengths.map((length, i) => length * (sharding[i] ?? []).reduce((at, axis) => at * mesh[axis]! + place[axis]!, 0));
}
