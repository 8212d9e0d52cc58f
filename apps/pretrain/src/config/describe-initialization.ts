import type { TrainerConfig } from '@dinov2/trainer';
import type { Initialization } from './initialization';

/** Rows for the terminal on what a run begins with and what becomes of it. */
export function describeInitialization({ model, heads, summary }: Initialization, config: TrainerConfig): [string, string][] {
  const { freezeBackboneIterations = 0 } = config.optimizer;
  const [first, ...more] = summary.split('\n');
  const [from, to] = [model, config.model].map(({ imageSize, patchSize }) => `${imageSize / patchSize} x ${imageSize / patchSize}`);
  const { offset, antialias } = config.model.interpolation;
  return [
    ['init', first!],
    ...more.map((line): [string, string] => ['', line.trim()]),
    ['heads', heads.length === 0 ? 'fresh' : `${heads.map((name) => (name === 'dino' ? 'DINO' : 'iBOT')).join(' and ')} of the weights`],
    ...(from === to
      ? []
      : [['grid', `position table resampled from ${from} to ${to} patches (offset ${offset}, ${antialias ? 'antialiased' : 'not antialiased'})`] as [string, string]]),
    ...(freezeBackboneIterations === 0
      ? []
      : [['frozen', `backbone frozen until step ${freezeBackboneIterations} while the heads warm up, then its learning rate warms up`] as [string, string]]),
  ];
}
