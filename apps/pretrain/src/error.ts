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
