import * as tf from '@tensorflow/tfjs-core';

/** Shape and type of one tensor, without its values. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32' | 'bool';
}

export type Attributes = Readonly<Record<string, unknown>>;

/** Work of one call, for cost reports. `flops` counts a multiply-add as two. */
export interface Cost {
  readonly flops: number;
}

/**
 * A named kernel with a plain TensorFlow.js fallback.
 *
 * A backend that registers a kernel of this name runs it; every other backend runs `fallback`.
 * A tracing backend registers all of them from {@link primitives}, so that a primitive is one
 * node of a graph and an engine may choose its own implementation or decompose it again.
 */
export interface PrimitiveDefinition {
  /** Kernel name, unique, in the style of TensorFlow's: `LayerNorm`, `AttentionGrad`. */
  readonly name: string;
  /** Names of the inputs in order; a trailing `?` marks an optional one. */
  readonly inputs: readonly string[];
  /** Shapes and types of the outputs. Throws on inputs that do not fit together. */
  infer(inputs: Readonly<Record<string, TensorSpec>>, attributes: Attributes): TensorSpec[];
  /** The same function in ordinary tfjs operations. */
  fallback(inputs: Readonly<Record<string, tf.Tensor>>, attributes: Attributes): tf.Tensor[];
  cost?(inputs: Readonly<Record<string, TensorSpec>>, attributes: Attributes): Cost;
}

// One registry per process, whichever of the ESM and CommonJS builds was loaded first,
// as tfjs itself keeps its kernel registry.
const key = Symbol.for('@dinov2/primitives');
const store = globalThis as unknown as Record<symbol, Map<string, PrimitiveDefinition> | undefined>;

/** Every primitive defined so far, by kernel name. */
export const primitives: ReadonlyMap<string, PrimitiveDefinition> = (store[key] ??= new Map());

/** A callable primitive: named tensors and attributes in, tensors out. Carries no gradient. */
export type Primitive = (
  inputs: Readonly<Record<string, tf.Tensor | undefined>>,
  attributes?: Attributes,
) => tf.Tensor[];

/**
 * Define a primitive and return the function that runs it on the current backend.
 * Gradients are attached by the caller with `tf.customGrad`.
 *
 * Mark the call pure (`@__PURE__`), so that a bundle leaves out the primitives it does not use.
 */
export function definePrimitive(definition: PrimitiveDefinition): Primitive {
  (primitives as Map<string, PrimitiveDefinition>).set(definition.name, definition);
  return (inputs, attributes = {}) => runPrimitive(definition, inputs, attributes);
}

/**
 * Run a primitive on the current backend: its kernel where there is one, the fallback elsewhere.
 * Optional inputs that are `undefined` are left out. Shapes are checked first, so both ways fail alike.
 */
export function runPrimitive(
  definition: PrimitiveDefinition,
  inputs: Readonly<Record<string, tf.Tensor | undefined>>,
  attributes: Attributes,
): tf.Tensor[] {
  const present = Object.fromEntries(
    Object.entries(inputs).filter((entry): entry is [string, tf.Tensor] => entry[1] !== undefined),
  );
  definition.infer(present as unknown as Record<string, TensorSpec>, attributes);
  if (tf.getKernel(definition.name, tf.getBackend()) === undefined) {
    return tf.tidy(() => definition.fallback(present, attributes));
  }
  const outputs = tf
    .engine()
    .runKernel(definition.name, present, attributes as unknown as tf.NamedAttrMap);
  return Array.isArray(outputs) ? outputs : [outputs];
}
