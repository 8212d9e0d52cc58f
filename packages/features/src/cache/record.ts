import { crc32 } from 'node:zlib';
import { maximumFloat16, readFloat16, writeFloat16 } from '@dinov2/primitives';
import type { HostArray } from '@dinov2/vit';
import { FeaturesError } from '../error';
import type { Tokens } from '../types';

/** Number type of patch tokens and attention on disk. */
export type DensePrecision = 'float16' | 'float32';

/** Shapes of one image's features. What is absent is not kept. */
export interface RecordLayout {
  readonly classTokens: readonly number[];
  readonly meanPatch?: readonly number[];
  readonly patchTokens?: readonly number[];
  readonly attention?: readonly number[];
  readonly precision: DensePrecision;
}

/** One image's features as bytes: vectors in float32, and what there is of each patch in the layout's precision. */
export interface EncodedRecord {
  readonly vectors: Uint8Array;
  readonly dense: Uint8Array;
}

const denseNames = ['patchTokens', 'attention'] as const;

/** Elements of a shape; 0 where there is none. */
const sizeOf = (shape: readonly number[] | undefined) => shape?.reduce((a, b) => a * b, 1) ?? 0;

/** Bytes of the two parts of a record. */
export function recordBytes(layout: RecordLayout): { vectors: number; dense: number } {
  const width = layout.precision === 'float16' ? 2 : 4;
  return {
    vectors: 4 * (sizeOf(layout.classTokens) + sizeOf(layout.meanPatch)),
    dense: width * (sizeOf(layout.patchTokens) + sizeOf(layout.attention)),
  };
}

/** The layout of the images of a batch. */
export function layoutOf({ classTokens, meanPatch, patchTokens, attention }: Tokens, precision: DensePrecision): RecordLayout {
  return {
    classTokens: classTokens.shape.slice(1),
    ...(meanPatch && { meanPatch: meanPatch.shape.slice(1) }),
    ...(patchTokens && { patchTokens: patchTokens.shape.slice(1) }),
    ...(attention && { attention: attention.shape.slice(1) }),
    precision,
  };
}

/** Image `i` of a batch. Throws a {@link FeaturesError} for values that cannot be kept; `path` names the image. */
export function encodeRecord(tokens: Tokens, i: number, layout: RecordLayout, path: string): EncodedRecord {
  const row = (array: HostArray | undefined): Float32Array => {
    if (array === undefined) return new Float32Array(0);
    const size = array.data.length / tokens.count;
    return array.data.subarray(i * size, (i + 1) * size);
  };
  const vectors = joined([row(tokens.classTokens), row(tokens.meanPatch)]);
  const dense = joined(denseNames.map((name) => row(tokens[name])));
  const largest = magnitude(dense);
  if (!Number.isFinite(largest) || !Number.isFinite(magnitude(vectors))) {
    throw new FeaturesError(`features of ${path} are not finite; check the weights for a damaged file or a diverged run`);
  }
  if (layout.precision === 'float32') return { vectors: bytesOf(vectors), dense: bytesOf(dense) };
  if (largest > maximumFloat16) {
    throw new FeaturesError(
      `a patch token of ${path} has a value of ${largest}, which float16 does not hold; pass precision: 'float32', or norm: true`,
    );
  }
  return { vectors: bytesOf(vectors), dense: bytesOf(writeFloat16(dense)) };
}

/** Patch tokens or attention from the bytes of a record's second part. */
export function decodeDense(bytes: Uint8Array<ArrayBuffer>, layout: RecordLayout, name: (typeof denseNames)[number]): HostArray {
  const shape = layout[name]!;
  const width = layout.precision === 'float16' ? 2 : 4;
  const start = width * (name === 'attention' ? sizeOf(layout.patchTokens) : 0);
  const part = bytes.slice(start, start + width * sizeOf(shape)).buffer;
  return { data: layout.precision === 'float16' ? readFloat16(new Uint16Array(part)) : new Float32Array(part), shape };
}

/** CRC-32, by which damage is noticed. */
export const checksum = (bytes: Uint8Array): number => crc32(bytes);

function joined(parts: readonly Float32Array[]): Float32Array {
  const filled = parts.filter(({ length }) => length > 0);
  if (filled.length === 1) return filled[0];
  const out = new Float32Array(filled.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of filled) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Largest magnitude, NaN if one of the values is. */
function magnitude(values: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const value = Math.abs(values[i]);
    // Written so that NaN, which compares false, is taken and stays.
    if (!(value <= largest)) largest = value;
    if (value !== value) return NaN;
  }
  return largest;
}

const bytesOf = (values: Float32Array | Uint16Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
