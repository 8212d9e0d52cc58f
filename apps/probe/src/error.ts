import { AppError } from '@dinov2/app-kit';

/** Wrong arguments or data of the user; `exitCode` 2, or 1 where the work itself failed. */
export class ProbeError extends AppError {
  override readonly name = 'ProbeError';
}
