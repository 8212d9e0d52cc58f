import '@tensorflow/tfjs';
import { onnxEngine } from '@dinov2/engine-onnx';
import { jit } from '@dinov2/jit';
import { assembleBatch, createStep, initialState, initialStudent, type TrainerConfig } from '@dinov2/trainer';
import { expect, it } from 'vitest';
import { microConfig } from '../packages/trainer/src/micro-config.testing';
import { syntheticCrops } from '../packages/trainer/src/synthetic-crops.testing';

it('keeps a frozen backbone bit for bit, and in its place, on ONNX Runtime', async () => {
  const config: TrainerConfig = { ...microConfig, model: { ...microConfig.model, layerScale: 1 } };
  const engine = onnxEngine();
  const step = jit(createStep(config, { backboneFrozen: true }).trainStep, { engine, donate: [0] });
  const student = initialStudent(config);
  let state = initialState(engine, config, student);
  for (let i = 0; i < 3; i++) {
    const result = await step(state, undefined, assembleBatch(config, syntheticCrops(config, 2 * i), i), {
      learningRate: 1e-2, lastLayerLearningRate: 1e-2, weightDecay: 0.4, teacherMomentum: 0.9, teacherTemperature: 0.05,
      correction1: 1 / (1 - 0.9 ** (i + 1)), correction2: 1 / (1 - 0.999 ** (i + 1)),
    });
    result.metrics.dispose();
    state = result.state;
  }
  for (const [name, { data }] of Object.entries(student.backbone)) {
    expect(await state.student.backbone[name].data(), name).toEqual(data);
    expect(await state.teacher.backbone[name].data(), name).toEqual(data);
    expect(await state.m.backbone[name].data(), name).toEqual(new Float32Array(data.length));
    expect(await state.v.backbone[name].data(), name).toEqual(new Float32Array(data.length));
  }
  expect(await state.student.dinoHead['mlp.0.weight'].data()).not.toEqual(student.dinoHead['mlp.0.weight'].data);
  await engine.dispose();
});
