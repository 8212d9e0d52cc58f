export {
  type Attributes,
  type Cost,
  definePrimitive,
  type Primitive,
  type PrimitiveDefinition,
  primitives,
  runPrimitive,
  type TensorSpec,
} from './define';
export { createRandom, type Random, type RandomState } from './random';
