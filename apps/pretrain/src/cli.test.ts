import { describe, expect, it } from 'vitest';
import { parseCommandLine } from './cli';
import { sampleFolder } from './config/recipes';

const settings = (...words: string[]) => {
  const invocation = parseCommandLine(words, '0.0.0');
  if (invocation.kind === 'report') throw new Error('a report was asked for');
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

  it('knows what to do besides training', () => {
    expect(parseCommandLine(['--dry-run'], '0.0.0').kind).toBe('dry-run');
    expect(parseCommandLine(['--no-resume'], '0.0.0')).toMatchObject({ kind: 'train', resume: false });
    expect(parseCommandLine([], '0.0.0')).toMatchObject({ kind: 'train', resume: true, allowChanges: false });
    expect(parseCommandLine(['--allow-changes'], '0.0.0')).toMatchObject({ kind: 'train', allowChanges: true });
    expect(parseCommandLine(['report', 'runs/a', '--engine', 'eager'], '0.0.0')).toEqual({
      kind: 'report',
      folder: 'runs/a',
      settings: { engine: 'eager', backend: null },
    });
  });

  it.each([
    [['--steps', 'many'], /--steps many: expected a whole number/],
    [['--batch-size', 'x'], /^--batch-size: batchSize: .*expected number/],
    [['--no-resume', '--allow-changes'], /leave out one of them/],
    [['stray'], /"stray" is no option and no key=value/],
    [['--config', 'vitx'], /recipes are cpu-small/],
    [['koleoWeight=1'], /did you mean "dino.koleoWeight"/],
  ])('refuses %j', (words, message) => {
    expect(() => parseCommandLine(words, '0.0.0')).toThrow(message);
  });
});
