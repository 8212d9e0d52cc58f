/** The bytes of numbers, not copied. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Float64Array | Uint16Array | Uint32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
