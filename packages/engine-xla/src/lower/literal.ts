import type { TypedArray } from '@dinov2/jit';
import type { ElementType } from './tensor';

/** Bits of infinity, −infinity and NaN, which have no decimal notation. */
const special: Readonly<Partial<Record<ElementType, readonly [infinity: string, negative: string, nan: string]>>> = {
  f32: ['0x7F800000', '0xFF800000', '0x7FC00000'],
  bf16: ['0x7F80', '0xFF80', '0x7FC0'],
  f16: ['0x7C00', '0xFC00', '0x7E00'],
};

/** One number as an element of `dense<…>`. */
export function scalarText(value: number, type: ElementType): string {
  if (type === 'i1') return value === 0 ? 'false' : 'true';
  const bits = special[type];
  if (bits === undefined) return String(Math.trunc(value));
  if (Number.isNaN(value)) return bits[2];
  const rounded = type === 'f32' ? Math.fround(value) : value;
  if (!Number.isFinite(rounded)) return rounded > 0 ? bits[0] : bits[1];
  if (Object.is(rounded, -0)) return '-0.0';
  // A float needs a point: 1e-7 is written 1.0e-7.
  const text = String(rounded);
  if (text.includes('.')) return text;
  const exponent = text.indexOf('e');
  return exponent < 0 ? `${text}.0` : `${text.slice(0, exponent)}.0${text.slice(exponent)}`;
}

/** Elements of a whole array: little-endian bytes in hexadecimal. */
export function bytesText(data: TypedArray | Int8Array): string {
  return `"0x${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex').toUpperCase()}"`;
}

/** The one value that all elements have, if they have one. */
export function uniform(data: TypedArray): number | undefined {
  const [first] = data;
  return first !== undefined && data.every((value) => Object.is(value, first)) ? first : undefined;
}
