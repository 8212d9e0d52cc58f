import { AppError } from '@dinov2/app-kit';

/** Wrong arguments, configuration or data of the user; `exitCode` 2, or 1 where the run itself failed. */
export class PretrainError extends AppError {
  override readonly name = 'PretrainError';
}
