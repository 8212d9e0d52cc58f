import { replicated, type DataType, type Sharding, type TypedArray } from '@dinov2/jit';
import { isContiguous, readBox, sizeOf, type Box } from './boxes';
import { XlaArray } from './device-array';
import { EngineError } from './errors';
import type { Runtime } from './runtime';

/**
 * Give every local device its part of an array.
 *
 * A part that lies in one piece goes to the plugin from where it is; others are gathered first, and the plugin reads the
 * gathered copy without making another.
 *
 * @param stays - The caller leaves the data as they are, so that they can be read while they are transferred.
 */
export function putArray(
  runtime: Runtime,
  data: TypedArray,
  shape: readonly number[],
  dtype: DataType,
  sharding: Sharding = replicated,
  stays = false,
): XlaArray {
  if (data.length !== sizeOf(shape)) {
    throw new EngineError(`put: ${data.length} values do not fill the shape (${shape.join(', ')}), which has ${sizeOf(shape)}.`);
  }
  return putParts(runtime, shape, dtype, sharding, (box) => ({ data: readBox(data, shape, box), stays: stays || !isContiguous(box, shape) }));
}

/** {@link putArray} where no host array holds the whole: `part` gives the values of a box, which is asked for once. */
export function putParts(
  runtime: Runtime,
  shape: readonly number[],
  dtype: DataType,
  sharding: Sharding,
  part: (box: Box) => { readonly data: TypedArray; readonly stays: boolean },
): XlaArray {
  const { client, placement } = runtime;
  const known = new Map<string, ReturnType<typeof part>>();
  const buffers: bigint[] = [];
  try {
    for (const { device, place } of placement.local) {
      const box = placement.box(shape, sharding, place);
      const key = box.start.join();
      let values = known.get(key);
      if (!values) {
        values = part(box);
        if (values.data.length !== sizeOf(box.shape)) {
          throw new EngineError(`put: ${values.data.length} values do not fill the part (${box.shape.join(', ')}) at (${key}), which has ${sizeOf(box.shape)}.`);
        }
        known.set(key, values);
      }
      buffers.push(client.put(values.data, dtype, box.shape, device, values.stays));
    }
  } catch (error) {
    for (const buffer of buffers) client.free(buffer);
    throw error;
  }
  return new XlaArray(runtime, buffers, [...shape], dtype, sharding);
}
