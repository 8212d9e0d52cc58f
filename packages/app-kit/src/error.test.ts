import { readFileSync } from 'node:fs';
import { EngineError } from '@dinov2/engine-onnx';
import { JitError } from '@dinov2/jit';
import { describe, expect, it } from 'vitest';
import { AppError, describeError, exitCodeOf } from './error';

class ProgramError extends AppError {
  override readonly name = 'ProgramError';
}

/** An error of a package that this one does not depend on. */
const named = (name: string, message: string) => Object.assign(new Error(message), { name });

describe('describeError', () => {
  it.each([
    ...[AppError, ProgramError, EngineError, JitError].map((ErrorClass) => new ErrorClass('batchSize is 0; pass 1')),
    ...['DataError', 'VitError', 'CurationError', 'TrainerError', 'WeightsError', 'EvaluationError', 'FeaturesError'].map((name) => named(name, 'batchSize is 0; pass 1')),
  ])('prints the sentence of %s alone', (error) => {
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
    expect(exitCodeOf(named('DataError', ''))).toBe(2);
    expect(exitCodeOf(new ProgramError(''))).toBe(2);
    expect(exitCodeOf(new ProgramError('', 1))).toBe(1);
    expect(exitCodeOf(named('TrainerError', ''))).toBe(1);
    expect(exitCodeOf(undefined)).toBe(1);
  });
});
