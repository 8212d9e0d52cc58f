import { attentionOps } from './attention';
import { convolution } from './convolution';
import { elementwise } from './elementwise';
import { image } from './image';
import { indexing } from './indexing';
import { linearAlgebra } from './linear-algebra';
import type { LoweringTable } from './lowering';
import { primitiveOps } from './primitives';
import { reductions } from './reductions';
import { shape } from './shape';

/** How each graph op becomes calls of ONNX Runtime and WebAssembly kernels. */
export const lowerings: LoweringTable = {
  ...elementwise,
  ...reductions,
  ...linearAlgebra,
  ...shape,
  ...indexing,
  ...convolution,
  ...image,
  ...primitiveOps,
  ...attentionOps,
};
