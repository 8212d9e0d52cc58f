import { inspect } from 'node:util';

/** Wrong arguments, configuration or data of a program's user; `exitCode` 2, or 1 where the work itself failed. */
export class AppError extends Error {
  override readonly name: string = 'AppError';

  constructor(
    message: string,
    readonly exitCode: 1 | 2 = 2,
  ) {
    super(message);
  }
}

/** Errors of the packages that are about what the user passed. */
const userErrors = ['DataError', 'AugmentError', 'VitError', 'CurationError'];
/** Errors of the packages whose message says all there is to say. */
const runErrors = ['TrainerError', 'EngineError', 'JitError', 'WeightsError', 'EvaluationError', 'FeaturesError', 'LossError', 'PrimitiveError'];

/**
 * What to print of an error that ends a program: the message alone where it was written to be read
 * (errors of this project and of the file system), else, or when `verbose`, with the stack and the cause.
 */
export function describeError(error: unknown, verbose: boolean): string {
  if (!(error instanceof Error)) return String(error);
  const written = error instanceof AppError || userErrors.includes(error.name) || runErrors.includes(error.name) || 'syscall' in error;
  return written && !verbose ? error.message : inspect(error);
}

/** Exit code of a program that ends with an error: 2 for what the user passed, 1 for what failed. */
export function exitCodeOf(error: unknown): 1 | 2 {
  if (error instanceof AppError) return error.exitCode;
  return error instanceof Error && userErrors.includes(error.name) ? 2 : 1;
}
