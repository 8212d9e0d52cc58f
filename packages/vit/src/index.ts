export {
  ffnHiddenDim,
  mlpRatioFor,
  type PositionInterpolation,
  type VitConfig,
  vitConfig,
  type VitSize,
} from './config';
export { VitError } from './error';
export {
  type Features,
  forwardFeatures,
  forwardPacked,
  getIntermediateLayers,
  type IntermediateLayer,
  type IntermediateLayersOptions,
} from './forward';
export { applyHead, type HeadConfig, headConfig, headParameterShapes, initialHeadArrays, initializeHead } from './head';
export { type InitialArray, makeArray } from './initial-array';
export { initialArrays, initialize } from './initialize';
export { lastSelfAttention } from './last-self-attention';
export {
  checkParameters,
  type HostArray,
  parameterCount,
  type Parameters,
  type ParameterShapes,
  parameterShapes,
} from './parameters';
export { interpolatePositions, type Positions } from './positions';
export { type HostModel, resamplePositions } from './resample-positions';
export { ropePeriods } from './rope';
export {
  type BlockRows,
  type DropPathRows,
  type HostRows,
  keptRows,
  sampleDropPathRows,
} from './stochastic-depth';
export type { Group } from './tokens';
export { VisionTransformer } from './vision-transformer';
