import type { LoweringTable } from './lowering';
import { elementwise } from './elementwise';
import { linearAlgebra } from './linear-algebra';
import { reductions } from './reductions';
import { shape } from './shape';

/** How each graph op becomes calls of ONNX Runtime and WebAssembly kernels. */
export const lowerings: LoweringTable = {
  ...elementwise,
  ...reductions,
  ...linearAlgebra,
  ...shape,
};
