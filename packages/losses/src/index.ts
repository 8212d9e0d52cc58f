export { type DinoLoss, dinoLoss, type DinoLossInputs } from './dino-loss';
export { LossError } from './error';
export { ibotLoss, type IbotLossInputs } from './ibot-loss';
export { koleoLoss } from './koleo-loss';
export { sinkhornKnopp, type SinkhornKnoppOptions } from '@dinov2/primitives';
export { type Centered, softmaxCentering, type SoftmaxCenteringOptions } from './softmax-centering';
export { takePatches } from './take-patches';
