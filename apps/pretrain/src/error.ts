import { inspect } from 'node:util';

/** Wrong arguments, configuration or data of the user; `exitCode` 2, or 1 where the run itself failed. */
export class PretrainError extends Error {
  override readonly name = 'PretrainError';

  constructor(
    message: string,
    readonly exitCode: 1 | 2 = 2,
  ) {
    super(message);
  }
}

/** Errors of the packages below that are about what the user passed. */
const userErrors = ['DataError', 'AugmentError', 'VitError'];
/** Errors of the packages below whose message says all there is to say. */
const runErrors = ['TrainerError', 'EngineError', 'JitError', 'WeightsError', 'EvaluationError', 'LossError', 'PrimitiveError'];

/**
 * What to print of an error that ends the program: the message alone where it was written to be read
 * (errors of this project and of the file system), else, or when `verbose`, with the stack and the cause.
 */
export function describeError(error: unknown, verbose: boolean): string {
  if (!(error instanceof Error)) return String(error);
  const written = error instanceof PretrainError || userErrors.includes(error.name) || runErrors.includes(error.name) || 'syscall' in error;
  return written && !verbose ? error.message : inspect(error);
}

/** Exit code of the program that ends with an error. */
export function exitCodeOf(error: unknown): 1 | 2 {
  if (error instanceof PretrainError) return error.exitCode;
  return error instanceof Error && userErrors.includes(error.name) ? 2 : 1;
}
