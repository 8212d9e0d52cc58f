import { describe, expect, it } from 'vitest';
import { sizeConfig } from './initialization';
import { overrideLayer } from './layer';
import { configLayer } from './recipes';
import { resolveSettings } from './resolve';
import { modelName, trainerConfig, withShards } from './trainer-config';

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
    expect(modelName(trainerConfig(settings).model)).toBe('ViT-Ti/14, 6 blocks, 4 registers');
  });

  it('names a size by width and heads, and blocks where they are not those of the size', () => {
    expect(modelName(sizeConfig('small'))).toBe('ViT-S/14');
    expect(modelName({ ...sizeConfig('giant', { patchSize: 16, imageSize: 224 }), depth: 3 })).toBe('ViT-g/16, 3 blocks');
    expect(modelName({ ...sizeConfig('tiny'), embedDim: 96 })).toBe('ViT of width 96/14, 12 blocks');
  });

  it('takes the model of the weights, with a table for the crops, and freezes as asked', () => {
    const initialization = { path: 'w', model: sizeConfig('small', { registers: 4, mlpRatio: 3 }), heads: [], summary: '' };
    const settings = tiny('init=w', 'model.size=null', 'optimizer.freezeBackboneIterations=7');
    const config = trainerConfig(settings, initialization);
    expect(config).toMatchObject({ init: 'w', model: { embedDim: 384, registers: 4, mlpRatio: 3, imageSize: 84 }, optimizer: { freezeBackboneIterations: 7 } });
    expect(trainerConfig(tiny('init=w', 'initHeads=false'), initialization).init).toBe('w without heads');
  });

  it('says nothing new of runs without weights, so that older ones go on', () => {
    const { init, optimizer } = trainerConfig(tiny());
    expect(init).toBeUndefined();
    expect(optimizer).not.toHaveProperty('freezeBackboneIterations');
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
    [['optimizer.freezeBackboneIterations=5'], /freezeBackboneIterations 5 would keep random weights still.*--init/],
    [['init=w', 'optimizer.freezeBackboneIterations=181'], /freezeBackboneIterations 181 is longer than the run of 180/],
    [['model.size=null'], /model.size is null.*--init/],
    [['teacher.momentumEnd=0.5'], /teacher.momentum 0.\d+ falls/],
  ])('refuses %j', (overrides, message) => {
    expect(() => trainerConfig(tiny(...overrides))).toThrow(message);
  });

  it('allows one image per step without KoLeo, and no local crops of any size', () => {
    expect(trainerConfig(tiny('batchSize=1', 'dino.koleoWeight=0')).batchSize).toBe(1);
    expect(trainerConfig(tiny('crops.localCount=0', 'crops.localSize=10')).crops.localCount).toBe(0);
  });
});

describe('withShards', () => {
  const shards = (given: number | null, mesh?: Record<string, number>, begun: number | null = null) => withShards({ shards: given }, { mesh }, begun).shards;

  it('takes a batch for each device, of one device the plain batch', () => {
    expect(shards(null, { data: 2, fsdp: 4 })).toBe(8);
    expect(shards(null, { data: 1, fsdp: 1 })).toBeNull();
    expect(shards(null)).toBeNull();
    expect(shards(16, { data: 2, fsdp: 4 })).toBe(16);
  });

  it('keeps the batches of a run that goes on, where they spread over the devices', () => {
    expect(shards(null, { data: 1, fsdp: 2 }, 8)).toBe(8);
    expect(shards(null, undefined, 8)).toBe(8);
    expect(shards(null, { data: 1, fsdp: 3 }, 8)).toBe(3);
  });
});
