import { preprocessings } from '@dinov2/augment';
import { initialize, vitConfig } from '@dinov2/vit';
import { expect, it } from 'vitest';
import { randomBackbone } from './random-backbone';

it('is the architecture as before training, by its seed', () => {
  const config = vitConfig('tiny', { embedDim: 8, depth: 1, heads: 1, patchSize: 4, imageSize: 8 });
  const backbone = { config, parameters: {}, preprocessing: preprocessings.dinov3 };
  expect(randomBackbone(backbone, 3)).toEqual({ ...backbone, parameters: initialize(config, 3) });
  expect(randomBackbone(backbone).parameters).not.toEqual(initialize(config, 3));
});
