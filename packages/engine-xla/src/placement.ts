import { meshSize, shardShape, shardStart, type Mesh, type Sharding } from '@dinov2/jit';
import type { Box } from './boxes';
import { EngineError } from './errors';
import type { Device } from './pjrt/client';

/** A device of this process and its number in the mesh. */
export interface LocalDevice {
  readonly device: Device;
  readonly place: number;
}

/** Which device is where in a mesh. */
export class Placement {
  readonly mesh: Mesh;
  /** Of all processes, in row-major order of the mesh. */
  readonly devices: readonly Device[];
  /** Those of this process. */
  readonly local: readonly LocalDevice[];

  /** The first devices, as many as the mesh has. */
  constructor(mesh: Mesh, devices: readonly Device[]) {
    const size = meshSize(mesh);
    const axes = Object.entries(mesh).map(([name, length]) => `${name}: ${length}`);
    if (Object.values(mesh).some((length) => !Number.isInteger(length) || length < 1)) {
      throw new EngineError(`the mesh { ${axes.join(', ')} } has an axis without a whole positive length.`);
    }
    if (size > devices.length) {
      throw new EngineError(`the mesh { ${axes.join(', ')} } wants ${size} devices and there are ${devices.length}; choose a smaller mesh.`);
    }
    this.mesh = mesh;
    this.devices = devices.slice(0, size);
    this.local = this.devices.flatMap((device, place) => (device.isAddressable ? [{ device, place }] : []));
    if (this.local.length === 0) {
      throw new EngineError(`the mesh { ${axes.join(', ')} } has no device of process ${devices.find((d) => d.isAddressable)?.process}; make it as large as all devices, ${devices.length}.`);
    }
  }

  /** What the device with number `place` holds of an array. */
  box(shape: readonly number[], sharding: Sharding, place: number): Box {
    return { start: shardStart(shape, sharding, this.mesh, place), shape: shardShape(shape, sharding, this.mesh) };
  }

  /** A text that is equal for shardings that lie equally. */
  key(sharding: Sharding): string {
    const axes = sharding.map((names) => names.filter((name) => this.mesh[name] !== 1).join('+'));
    while (axes.at(-1) === '') axes.pop();
    return axes.join(',');
  }
}
