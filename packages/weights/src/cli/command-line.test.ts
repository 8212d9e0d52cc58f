import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { type Invocation, parseCommandLine, UsageError } from './command-line';

let printed = '';
const keep = (text: string): void => void (printed += text);

function parse(...words: string[]): Invocation {
  printed = '';
  return parseCommandLine(words, '1.2.3', { writeOut: keep, writeErr: keep });
}

/** The exit code with which commander gives up. */
function codeOf(...words: string[]): number {
  try {
    parse(...words);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('parseCommandLine', () => {
  it('turns a training checkpoint into a folder of transformers', () => {
    expect(parse('convert', 'teacher_checkpoint.pth', 'out/', '--to', 'huggingface')).toEqual({
      command: 'convert',
      path: 'teacher_checkpoint.pth',
      out: 'out/',
      to: 'huggingface',
      precisions: ['float32'],
      force: false,
      options: {},
    });
  });

  it('passes on what a file does not tell', () => {
    expect(parse('inspect', 'a.pth', '--branch', 'student', '--interpolation', 'antialias', '--attention-heads', '6', '--no-checksums')).toEqual({
      command: 'inspect',
      path: 'a.pth',
      options: { branch: 'student', interpolation: { offset: 0, antialias: true }, attentionHeads: 6, verifyChecksums: false },
    });
  });

  it('takes precisions for ONNX models, and heads for safetensors', () => {
    expect(parse('convert', 'a', 'b', '--to', 'onnx', '--precision', 'float16')).toMatchObject({ precisions: ['float16'] });
    expect(parse('convert', 'a', 'b', '--to', 'transformers.js', '--precision', 'both')).toMatchObject({ precisions: ['float32', 'float16'] });
    expect(parse('convert', 'a', 'b', '--to', 'safetensors', '--heads', '--force')).toMatchObject({ force: true, options: { heads: true } });
    expect(() => parse('convert', 'a', 'b', '--to', 'huggingface', '--precision', 'float16')).toThrow(UsageError);
    expect(() => parse('convert', 'a', 'b', '--to', 'onnx', '--precision', 'both')).toThrow(/one model/);
    expect(() => parse('convert', 'a', 'b', '--to', 'onnx', '--heads')).toThrow(/--heads is for --to safetensors/);
    expect(() => parse('inspect', 'a', '--attention-heads', 'six')).toThrow(/--attention-heads six/);
  });

  it('explains itself, with examples', () => {
    expect(codeOf('--help')).toBe(0);
    expect(printed).toContain('dinov2-weights convert teacher_checkpoint.pth out/ --to huggingface');
    expect(codeOf('--version')).toBe(0);
    expect(printed).toBe('1.2.3\n');
    expect(codeOf()).not.toBe(0);
    expect(printed).toContain('Usage: dinov2-weights');
  });

  it('says which formats there are', () => {
    expect(codeOf('convert', 'a', 'b')).not.toBe(0);
    expect(printed).toContain("required option '--to <format>'");
    expect(codeOf('convert', 'a', 'b', '--to', 'pdf')).not.toBe(0);
    expect(printed).toContain('huggingface, onnx, safetensors, transformers.js');
  });
});
