import { convolution } from './convolution';
import { elementwise } from './elementwise';
import { image } from './image';
import { indexing } from './indexing';
import { linearAlgebra } from './linear-algebra';
import type { OpTable } from './op';
import { reductions } from './reductions';
import { shape } from './shape';

/** Every tfjs kernel that can be traced, in families. */
export const opFamilies = {
  elementwise,
  reductions,
  'linear algebra': linearAlgebra,
  shape,
  indexing,
  'convolution and pooling': convolution,
  image,
} satisfies Record<string, OpTable>;

/** The same by kernel name. */
export const ops: OpTable = Object.assign({}, ...Object.values(opFamilies));

/** Kernels whose inputs are a list, so that a graph numbers them. */
export const isList = (inputs: Readonly<Record<string, unknown>>): boolean => '0' in inputs;
