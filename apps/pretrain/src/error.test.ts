import { readFileSync } from 'node:fs';
import { DataError } from '@dinov2/data';
import { EngineError } from '@dinov2/engine-onnx';
import { EvaluationError } from '@dinov2/evaluation';
import { JitError } from '@dinov2/jit';
import { TrainerError } from '@dinov2/trainer';
import { VitError } from '@dinov2/vit';
import { WeightsError } from '@dinov2/weights';
import { describe, expect, it } from 'vitest';
import { describeError, exitCodeOf, PretrainError } from './error';

describe('describeError', () => {
  it.each([PretrainError, DataError, VitError, TrainerError, EngineError, JitError, WeightsError, EvaluationError])('prints the sentence of a %o alone', (ErrorClass) => {
    const error = new ErrorClass('batchSize is 0; pass 1');
    expect(describeError(error, false)).toBe('batchSize is 0; pass 1');
    expect(describeError(error, true)).toMatch(/batchSize is 0; pass 1\n\s+at /);
  });

  it('prints the sentence of an error of the file system alone', () => {
    const read = () => readFileSync('/no/such/file');
    expect(read).toThrow();
    try {
      read();
    } catch (error) {
      expect(describeError(error, false)).toBe("ENOENT: no such file or directory, open '/no/such/file'");
    }
  });

  it('prints the stack and the cause of what nobody foresaw', () => {
    expect(describeError(new TypeError('x is undefined', { cause: new Error('why') }), false)).toMatch(/x is undefined\n\s+at [\s\S]*cause.*why/);
    expect(describeError('text', false)).toBe('text');
  });
});

describe('exitCodeOf', () => {
  it('is 2 for what the user passed and 1 for what failed', () => {
    expect(exitCodeOf(new DataError(''))).toBe(2);
    expect(exitCodeOf(new PretrainError(''))).toBe(2);
    expect(exitCodeOf(new PretrainError('', 1))).toBe(1);
    expect(exitCodeOf(new TrainerError(''))).toBe(1);
    expect(exitCodeOf(undefined)).toBe(1);
  });
});
