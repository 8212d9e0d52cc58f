import { initialize } from '@dinov2/vit';
import type { Backbone } from './types';

/** The same architecture as it is before training, by `initialize` of `@dinov2/vit`: what the weights are worth. */
export function randomBackbone({ config, preprocessing }: Backbone, seed = 0): Backbone {
  return { config, parameters: initialize(config, seed), preprocessing };
}
