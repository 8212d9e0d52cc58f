import koffi from 'koffi';

/** Address of the first byte of a view; 0 for an empty one. The view must not be collected while the address is used. */
export const addressOf = (view: ArrayBufferView): bigint => (view.byteLength === 0 ? 0n : (koffi.address(view) as bigint));

/** A copy of memory that belongs to C. */
export function bytesAt(address: bigint, length: number): Uint8Array<ArrayBuffer> {
  if (address === 0n || length === 0) return new Uint8Array();
  return new Uint8Array(koffi.view(address, length)).slice();
}

/** A C string of known length. */
export const textAt = (address: bigint, length: number): string => new TextDecoder().decode(bytesAt(address, length));

/** Pointers that lie at an address one after the other. */
export const pointersAt = (address: bigint, count: number): bigint[] => [...new BigUint64Array(bytesAt(address, 8 * count).buffer)];

const encoder = new TextEncoder();

/** Bytes of a text in memory that does not move. */
export const utf8 = (text: string): Uint8Array<ArrayBuffer> => {
  const bytes = encoder.encode(text);
  const copy = new Uint8Array(new ArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
};

/** Numbers as C's `int64_t[]`. */
export function int64s(values: readonly number[]): BigInt64Array {
  const array = new BigInt64Array(new ArrayBuffer(8 * values.length));
  values.forEach((value, i) => (array[i] = BigInt(value)));
  return array;
}

/** Addresses as C's `void *[]`. */
export function pointers(values: readonly bigint[]): BigUint64Array {
  const array = new BigUint64Array(new ArrayBuffer(8 * values.length));
  array.set(values);
  return array;
}
