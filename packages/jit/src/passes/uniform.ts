import { elements, type TypedArray, typedArray, type Value } from '../graph';
import type { Rewriting } from './rewrite';

const sameEverywhere = new Set(['Reshape', 'Tile', 'Transpose', 'Slice']);

/** The number that a value is filled with, if that is known while compiling. */
export function uniformValue(value: Value, rewriting: Rewriting): number | undefined {
  const data = rewriting.data(value);
  if (data !== undefined) return data.length > 0 && data.every((v) => Object.is(v, data[0])) ? data[0] : undefined;
  const node = rewriting.producer(value);
  if (node?.op === 'Fill') return node.attributes.value as number;
  return node !== undefined && sameEverywhere.has(node.op) ? uniformValue(node.inputs.x, rewriting) : undefined;
}

/** Up to this many elements a filled tensor is a constant, above it a `Fill` node. */
const maxConstant = 64;

/** A tensor filled with one number. */
export function filled(number: number, { shape, dtype }: Value, rewriting: Rewriting): Value {
  const count = elements({ shape });
  if (count > maxConstant) return rewriting.node('Fill', {}, { shape, value: number, dtype }, [{ shape, dtype }])[0];
  const data: TypedArray = typedArray(new Array<number>(count).fill(number), dtype);
  return rewriting.constant(data, { shape, dtype });
}
