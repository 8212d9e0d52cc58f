import { describe, expect, it } from 'vitest';
import { overrideLayer } from './layer';
import { configLayer } from './recipes';
import { resolveSettings } from './resolve';
import { modelName, trainerConfig } from './trainer-config';

const tiny = (...overrides: string[]) => resolveSettings([configLayer('cpu-tiny'), overrideLayer(overrides)]);

describe('trainerConfig', () => {
  it('hands the trainer what the official recipe says', () => {
    const config = trainerConfig(resolveSettings([configLayer('vitl14')]));
    expect(config.model).toMatchObject({ embedDim: 1024, depth: 24, heads: 16, patchSize: 14, imageSize: 224, ffn: 'swiglu' });
    // The blur the released models were trained with, not the one in their papers.
    expect(config.crops).toMatchObject({ globalSize: 224, localSize: 98, blur: [0, 0.9, 0.5], solarize: 0.2 });
    expect(config.evaluateEvery).toBe(0);
    expect(trainerConfig(resolveSettings([configLayer('vitl14'), overrideLayer(['eval=labelled'])])).evaluateEvery).toBe(12500);
  });

  it('names the model', () => {
    const settings = tiny('model.registers=4');
    expect(modelName(trainerConfig(settings).model, settings)).toBe('ViT-Ti/14, 6 blocks, 4 registers');
  });

  it('resizes positions as DINOv2 trains, with registers too, unless told otherwise', () => {
    expect(trainerConfig(tiny('model.registers=4')).model.interpolation).toEqual({ offset: 0.1, antialias: false });
    const released = tiny('model.registers=4', 'model.interpolation.offset=0', 'model.interpolation.antialias=true');
    expect(trainerConfig(released).model.interpolation).toEqual({ offset: 0, antialias: true });
  });

  it('tells a run on turned pictures from one on pictures as stored', () => {
    expect(trainerConfig(tiny('autoOrient=true'))).not.toEqual(trainerConfig(tiny()));
    expect(trainerConfig(tiny('autoOrient=false'))).toEqual(trainerConfig(tiny()));
  });

  it.each([
    [['crops.globalSize=100'], /crops.globalSize 100 is no multiple of model.patchSize 14; use 98 or 112/],
    [['crops.localSize=10'], /crops.localSize 10 is no multiple of model.patchSize 14; use 14$/],
    [['knn.crop=113'], /knn.crop 113 is no multiple of model.patchSize 14; use 126/],
    [['knn.resize=100'], /knn.resize 100 is smaller than the square of 112/],
    [['batchSize=1'], /KoLeo compares the images of a batch.*dino.koleoWeight=0/],
    [['iterations=10'], /optimizer.warmupIterations \d+ is longer than the run of 10.*--steps/],
    [['teacher.temperatureWarmupIterations=181'], /teacher.temperatureWarmupIterations 181 is longer than the run of 180/],
    [['teacher.momentumEnd=0.5'], /teacher.momentum 0.\d+ falls/],
  ])('refuses %j', (overrides, message) => {
    expect(() => trainerConfig(tiny(...overrides))).toThrow(message);
  });

  it('allows one image per step without KoLeo, and no local crops of any size', () => {
    expect(trainerConfig(tiny('batchSize=1', 'dino.koleoWeight=0')).batchSize).toBe(1);
    expect(trainerConfig(tiny('crops.localCount=0', 'crops.localSize=10')).crops.localCount).toBe(0);
  });
});
