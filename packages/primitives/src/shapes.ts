import type { TensorSpec } from './define';
import { PrimitiveError } from './error';

type AxisName<P extends Record<string, readonly string[]>> = P[keyof P][number];

/** Lengths by axis name; a name that begins with `...` stands for any number of axes. */
export type Axes<P extends Record<string, readonly string[]>> = {
  readonly [Name in AxisName<P>]: Name extends `...${string}` ? readonly number[] : number;
};

/**
 * Bind axis names to lengths, and fail where one name would need two lengths.
 *
 * `patterns` maps each input to the names of its axes. An input key ending in `?` may be absent. A name
 * such as `...rest` matches any number of axes and may stand anywhere in a pattern, once.
 * Inputs are float32 unless listed in `int32`.
 *
 * @throws {@link PrimitiveError} naming the primitive, the input, its shape and the expected pattern
 */
export function matchShapes<const P extends Record<string, readonly string[]>>(
  primitive: string,
  inputs: Readonly<Record<string, TensorSpec | undefined>>,
  patterns: P,
  int32: readonly string[] = [],
): Axes<P> {
  const bound = new Map<string, { readonly lengths: readonly number[]; readonly input: string }>();
  for (const [key, pattern] of Object.entries(patterns)) {
    const input = key.replace(/\?$/, '');
    const spec = inputs[input];
    if (spec === undefined) {
      if (key !== input) continue;
      throw new PrimitiveError(`${primitive}: input '${input}' is missing.`);
    }
    const dtype = int32.includes(input) ? 'int32' : 'float32';
    if (spec.dtype !== dtype) {
      throw new PrimitiveError(
        `${primitive}: input '${input}' is ${spec.dtype}; cast it to ${dtype} first.`,
      );
    }
    const expected = `[${pattern.join(', ')}]`;
    const open = pattern.findIndex((name) => name.startsWith('...'));
    const rest = spec.shape.length - pattern.length + 1;
    if (open < 0 ? spec.shape.length !== pattern.length : rest < 0) {
      throw new PrimitiveError(
        `${primitive}: input '${input}' has shape [${spec.shape.join(
          ', ',
        )}]; expected ${expected}.`,
      );
    }
    pattern.forEach((name, i) => {
      const start = open >= 0 && i > open ? i + rest - 1 : i;
      const lengths = spec.shape.slice(start, start + (i === open ? rest : 1));
      const previous = bound.get(name);
      if (previous === undefined) {
        bound.set(name, { lengths, input });
      } else if (previous.lengths.join() !== lengths.join()) {
        throw new PrimitiveError(
          `${primitive}: input '${input}' has shape [${spec.shape.join(
            ', ',
          )}]; expected ${expected} ` +
            `with ${name} = ${previous.lengths.join(', ')} as in '${previous.input}'.`,
        );
      }
    });
  }
  return Object.fromEntries(
    [...bound].map(([name, { lengths }]) => [name, name.startsWith('...') ? lengths : lengths[0]]),
  ) as Axes<P>;
}

/** Spec of a float32 tensor. */
export const float32 = (...shape: readonly number[]): TensorSpec => ({ shape, dtype: 'float32' });

/** Number of elements of a shape. */
export const sizeOf = (shape: readonly number[]): number =>
  shape.reduce((n, length) => n * length, 1);

/** A numeric attribute. @throws {@link PrimitiveError} if it is absent or not a finite number */
export function numberAttribute(
  primitive: string,
  attributes: Readonly<Record<string, unknown>>,
  name: string,
): number {
  const value = attributes[name];
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new PrimitiveError(
      `${primitive}: attribute '${name}' is ${String(value)}; pass a finite number.`,
    );
  }
  return value;
}
