import { addressOf } from './memory';

/** C types of struct members: `pointer` and `size` have 8 bytes, `int32` 4, `bool` 1. */
type FieldType = 'pointer' | 'size' | 'int64' | 'int32' | 'float' | 'bool';

/** Members of a struct in order. */
export type Fields = Readonly<Record<string, FieldType>>;

type Read<T extends FieldType> = T extends 'pointer' ? bigint : T extends 'bool' ? boolean : number;
type Write<T extends FieldType> = T extends 'pointer' ? bigint | ArrayBufferView : T extends 'int64' ? number | bigint : Read<T>;

/** Members as they are given to {@link encode}; those left out are zero. A view stands for its address. */
export type Input<F extends Fields> = { readonly [K in keyof F]?: Write<F[K]> };
export type Output<F extends Fields> = { readonly [K in keyof F]: Read<F[K]> };

const width: Readonly<Record<FieldType, number>> = { pointer: 8, size: 8, int64: 8, int32: 4, float: 4, bool: 1 };

interface Layout {
  readonly offsets: ReadonlyMap<string, number>;
  readonly size: number;
}

const layouts = new WeakMap<Fields, Layout>();

/** Where each member lies, and the size up to the end of the last one: no padding, as PJRT counts it. */
export function layout(fields: Fields): Layout {
  let known = layouts.get(fields);
  if (!known) layouts.set(fields, (known = makeLayout(fields)));
  return known;
}

function makeLayout(fields: Fields): Layout {
  const offsets = new Map<string, number>();
  let end = 0;
  for (const [name, type] of Object.entries(fields)) {
    const offset = Math.ceil(end / width[type]) * width[type];
    offsets.set(name, offset);
    end = offset + width[type];
  }
  return { offsets, size: end };
}

/** What a struct points to lives as long as the struct. */
const pointees = new WeakMap<ArrayBufferView, ArrayBufferView[]>();

/** Say that `view` holds addresses of `others`, which must not be collected before it. */
export function keep<T extends ArrayBufferView>(view: T, others: readonly ArrayBufferView[]): T {
  pointees.set(view, [...(pointees.get(view) ?? []), ...others]);
  return view;
}

/**
 * A struct in memory of its own.
 *
 * @param size - Bytes to reserve; at least those of the struct.
 */
export function encode<F extends Fields>(fields: F, values: Input<F>, size = 0): Uint8Array<ArrayBuffer> {
  const { offsets, size: own } = layout(fields);
  // An array in the JavaScript heap could be moved while C holds its address; a buffer is not.
  const bytes = new Uint8Array(new ArrayBuffer(Math.ceil(Math.max(own, size) / 8) * 8));
  write(fields, values, bytes, offsets);
  return bytes;
}

function write(fields: Fields, values: Readonly<Record<string, unknown>>, bytes: Uint8Array, offsets: ReadonlyMap<string, number>): void {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const offset = offsets.get(name)!;
    switch (fields[name]) {
      case 'pointer':
        if (ArrayBuffer.isView(value)) keep(bytes, [value]);
        data.setBigUint64(offset, ArrayBuffer.isView(value) ? addressOf(value) : (value as bigint), true);
        break;
      case 'size':
      case 'int64':
        data.setBigInt64(offset, BigInt(value as number | bigint), true);
        break;
      case 'int32':
        data.setInt32(offset, value as number, true);
        break;
      case 'float':
        data.setFloat32(offset, value as number, true);
        break;
      case 'bool':
        data.setUint8(offset, value ? 1 : 0);
    }
  }
}

/** Structs of one type one after the other, as C arrays of structs lie. */
export function encodeArray<F extends Fields>(fields: F, list: readonly Input<F>[]): Uint8Array<ArrayBuffer> {
  const { offsets, size } = layout(fields);
  const stride = Math.ceil(size / 8) * 8;
  const bytes = new Uint8Array(new ArrayBuffer(stride * list.length));
  list.forEach((values, i) => {
    const one = bytes.subarray(i * stride, (i + 1) * stride);
    write(fields, values, one, offsets);
    keep(bytes, pointees.get(one) ?? []);
  });
  return bytes;
}

/** Members of a struct in memory. */
export function decode<F extends Fields>(fields: F, bytes: Uint8Array): Output<F> {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = (type: FieldType, offset: number): bigint | number | boolean => {
    switch (type) {
      case 'pointer':
        return data.getBigUint64(offset, true);
      case 'size':
      case 'int64':
        return Number(data.getBigInt64(offset, true));
      case 'int32':
        return data.getInt32(offset, true);
      case 'float':
        return data.getFloat32(offset, true);
      case 'bool':
        return data.getUint8(offset) !== 0;
    }
  };
  const { offsets } = layout(fields);
  return Object.fromEntries([...offsets].map(([name, offset]) => [name, read(fields[name]!, offset)])) as Output<F>;
}
