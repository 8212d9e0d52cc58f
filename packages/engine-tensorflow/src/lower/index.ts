import { attentionOps } from './attention';
import { convolution } from './convolution';
import { elementwise } from './elementwise';
import { image } from './image';
import { indexing } from './indexing';
import { linearAlgebra } from './linear-algebra';
import type { LoweringTable } from './lowering';
import { pooling } from './pooling';
import { reductions } from './reductions';
import { shape } from './shape';

/** By name of the tfjs kernel or primitive. Primitives that are not here are taken apart. */
export const lowerings: LoweringTable = {
  ...elementwise,
  ...reductions,
  ...linearAlgebra,
  ...attentionOps,
  ...shape,
  ...indexing,
  ...convolution,
  ...pooling,
  ...image,
};
