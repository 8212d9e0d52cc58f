import { describe, expect, it } from 'vitest';
import { parseCommandLine } from './cli';
import { type Initialization, sizeConfig } from './config/initialization';
import { sampleFolder } from './config/recipes';
import { trainerConfig } from './config/trainer-config';

const settings = (...words: string[]) => {
  const invocation = parseCommandLine(words, '0.0.0');
  if (invocation.kind === 'report' || invocation.kind === 'engines') throw new Error('no run was asked for');
  return invocation.settings;
};

describe('parseCommandLine', () => {
  it('takes the sample and the tiny recipe without arguments', () => {
    expect(settings()).toMatchObject({
      data: `${sampleFolder}/train`,
      eval: sampleFolder,
      pictures: `${sampleFolder}/pictures`,
      out: 'runs/sample',
      model: { size: 'tiny', patchSize: 14 },
      batchSize: 32,
    });
  });

  it('lets --model pick the recipe, and --data the run folder', () => {
    expect(settings('--data', 'photos/cats', '--model', 'small')).toMatchObject({
      data: 'photos/cats',
      eval: null,
      out: 'runs/cats-small',
      model: { size: 'small' },
      crops: { globalSize: 112 },
    });
    expect(settings('--data', 'x', '--model', 'giant')).toMatchObject({ model: { size: 'giant', ffn: 'swiglu' }, accumulationSteps: 1 });
  });

  it('takes fewer images a step with --model than the recipe of a cluster, and says so', () => {
    const invocation = parseCommandLine(['--data', 'x', '--model', 'base'], '0.0.0');
    // 4e-3 · √(8 / 1024) = 3.5e-4
    expect(invocation).toMatchObject({ settings: { batchSize: 8, accumulationSteps: 1, optimizer: { baseLearningRate: 4e-3 } }, note: expect.stringMatching(/^8 images a step.*vitl16_short; learning rate 3.5e-4/) });
    expect(settings('--data', 'x', '--model', 'base', '--batch-size', '16', 'accumulationSteps=2')).toMatchObject({ batchSize: 16, accumulationSteps: 2 });
  });

  it('keeps a recipe asked for by name, or for an accelerator, as it is', () => {
    for (const words of [['--config', 'vitl16_short', '--model', 'base'], ['--model', 'base', '--engine', 'eager', '--backend', 'tensorflow']]) {
      const invocation = parseCommandLine(['--data', 'x', ...words], '0.0.0');
      expect(invocation).toMatchObject({ settings: { batchSize: 64, accumulationSteps: 32, model: { size: 'base' } } });
      expect(invocation).not.toHaveProperty('note');
    }
    expect(parseCommandLine(['--data', 'x', '--model', 'small'], '0.0.0')).not.toHaveProperty('note');
  });

  it('lays key=value over options over the recipe', () => {
    expect(settings('--batch-size', '8', '--seed', '3', '--config', 'vitl14', 'batchSize=4', 'optimizer.baseLearningRate=1e-3', '--engine', 'eager', '--backend', 'cpu')).toMatchObject({
      batchSize: 4,
      seed: 3,
      iterations: 625000,
      engine: 'eager',
      backend: 'cpu',
      optimizer: { baseLearningRate: 1e-3, warmupIterations: 100000 },
    });
  });

  it('keeps the shape of the schedules with --steps', () => {
    expect(settings('--config', 'vitl14', '--steps', '6250')).toMatchObject({
      iterations: 6250,
      optimizer: { warmupIterations: 1000, freezeLastLayerIterations: 13 },
      teacher: { temperatureWarmupIterations: 375 },
      evaluateEvery: 125,
    });
  });

  describe('with --init', () => {
    const weights = (model: Initialization['model'], heads: Initialization['heads'] = []): Initialization => ({ path: 'w', model, heads, summary: '' });
    const fitted = (initialization: Initialization, ...words: string[]) => {
      const invocation = parseCommandLine(['--init', 'w', ...words], '0.0.0');
      if (invocation.kind === 'report' || invocation.kind === 'engines') throw new Error('no run was asked for');
      return invocation.withWeights(initialization);
    };

    it('picks the recipe by the weights, and the run folder by their name', () => {
      expect(fitted(weights(sizeConfig('small', { registers: 4 })), '--data', 'photos').settings).toMatchObject({
        init: 'w', out: 'runs/photos-from-w', batchSize: 16, model: { size: 'small', registers: 4, patchSize: 14, depth: 12, interpolation: { offset: 0, antialias: true } },
      });
      expect(settings('--init', '/weights/dinov2_vits14.pth')).toMatchObject({ init: '/weights/dinov2_vits14.pth', out: 'runs/sample-from-dinov2_vits14' });
      const base = fitted(weights(sizeConfig('base')), '--data', 'photos');
      // The recipe of patch 14 for large models, with the images of a step that a CPU takes.
      expect(base).toMatchObject({ settings: { crops: { localSize: 98 }, batchSize: 8, model: { size: 'base', ffn: 'mlp' } }, note: expect.stringMatching(/vitl14/) });
      expect(fitted(weights(sizeConfig('base', { patchSize: 16, imageSize: 224 })), '--data', 'photos').settings.crops.localSize).toBe(96);
      expect(fitted(weights({ ...sizeConfig('tiny'), embedDim: 60 }), '--data', 'photos').settings).toMatchObject({ model: { size: null, depth: 12 }, crops: { globalSize: 84 } });
      expect(fitted(weights(sizeConfig('giant')), '--data', 'photos').settings.batchSize).toBe(2);
    });

    it('freezes the backbone for the warm-up, for what --freeze-backbone says, or not at all with heads', () => {
      const model = sizeConfig('tiny');
      const frozen = (initialization: Initialization, ...words: string[]) => fitted(initialization, ...words).settings.optimizer.freezeBackboneIterations;
      expect(frozen(weights(model))).toBe(18);
      expect(frozen(weights(model), '--steps', '360')).toBe(36);
      expect(frozen(weights(model, ['dino']))).toBe(0);
      expect(frozen(weights(model, ['dino']), 'initHeads=false')).toBe(18);
      // A length that is named is kept, like the schedules it is not a share of the run.
      expect(frozen(weights(model), '--steps', '360', '--freeze-backbone', '5')).toBe(5);
      expect(frozen(weights(model), '--freeze-backbone', '0')).toBe(0);
      expect(frozen(weights(model), 'optimizer.freezeBackboneIterations=9')).toBe(9);
    });

    it('keeps the interpolation of the weights unless told otherwise', () => {
      const model = sizeConfig('small', { registers: 4 });
      expect(fitted(weights(model), 'model.interpolation.offset=0.1').settings.model.interpolation).toEqual({ offset: 0.1, antialias: true });
      expect(trainerConfig(fitted(weights(model)).settings, weights(model)).model).toEqual({ ...model, imageSize: 112 });
    });

    it.each<[string[], RegExp]>([
      [['--model', 'tiny'], /^--model: model.size is tiny, and in w it is small; pass model.size=small, or leave/],
      [['model.patchSize=16', 'model.registers=4'], /"model.patchSize=16" on the command line: model.patchSize is 16, and in w it is 14;.*\n"model.registers=4".* is 4, and in w it is 0/],
      [['--config', 'vitl14'], /^recipes\/vitl14.yaml:\d+: model.size is large, and in w it is small;.*\nrecipes\/vitl14.yaml:\d+: model.ffn is swiglu, and in w it is mlp/],
      [['model.depth=6'], /model.depth is 6, and in w it is 12/],
      [['model.layerScale=0'], /model.layerScale is 0, and in w it is 0.00001/],
    ])('refuses %j for other weights, naming both', (words, message) => {
      expect(() => fitted(weights(sizeConfig('small')), ...words)).toThrow(message);
    });

    it('names the width of weights whose size has no name', () => {
      const narrow = weights({ ...sizeConfig('tiny'), embedDim: 60 });
      expect(() => fitted(narrow, '--model', 'small')).toThrow(/^--model: model.size is small, and in w it is a width of 60, which has no name; leave the key out: /);
    });

    it('takes a recipe whose model fits, or is made to', () => {
      const large = weights(sizeConfig('large'));
      expect(() => fitted(large, '--config', 'vitl14')).toThrow(/model.ffn is swiglu/);
      expect(fitted(large, '--config', 'vitl14', 'model.ffn=mlp').settings).toMatchObject({ batchSize: 32, model: { ffn: 'mlp', size: 'large' } });
      expect(fitted(large, '--model', 'large', 'model.depth=null').settings.model.depth).toBe(24);
    });
  });

  it('knows what to do besides training', () => {
    expect(parseCommandLine(['--dry-run'], '0.0.0').kind).toBe('dry-run');
    expect(parseCommandLine(['--no-resume'], '0.0.0')).toMatchObject({ kind: 'train', resume: false });
    expect(parseCommandLine([], '0.0.0')).toMatchObject({ kind: 'train', resume: true, allowChanges: false });
    expect(parseCommandLine(['--allow-changes'], '0.0.0')).toMatchObject({ kind: 'train', allowChanges: true });
    expect(parseCommandLine(['report', 'runs/a', '--engine', 'eager'], '0.0.0')).toEqual({
      kind: 'report',
      folder: 'runs/a',
      settings: { engine: 'eager', backend: null, plugin: null, mesh: null, precision: 'auto' },
    });
    expect(parseCommandLine(['engines'], '0.0.0')).toEqual({ kind: 'engines' });
  });

  it('reads what picks an engine', () => {
    expect(settings('--engine', 'xla', '--plugin', '/p.so', '--mesh', '4x2', '--precision', 'bfloat16')).toMatchObject({
      engine: 'xla',
      plugin: '/p.so',
      mesh: { data: 4, fsdp: 2 },
      precision: 'bfloat16',
    });
    expect(() => settings('--mesh', '8')).toThrow();
  });

  it.each([
    [['--steps', 'many'], /--steps many: expected a whole number/],
    [['--freeze-backbone', '-1'], /--freeze-backbone -1: expected a whole number from 0/],
    [['--batch-size', 'x'], /^--batch-size: batchSize: .*expected number/],
    [['--no-resume', '--allow-changes'], /leave out one of them/],
    [['stray'], /"stray" is no option and no key=value/],
    [['--config', 'vitx'], /recipes are cpu-small/],
    [['koleoWeight=1'], /did you mean "dino.koleoWeight"/],
  ])('refuses %j', (words, message) => {
    expect(() => parseCommandLine(words, '0.0.0')).toThrow(message);
  });
});
