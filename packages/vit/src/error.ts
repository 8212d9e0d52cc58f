/** Thrown by this package for configurations, parameters and inputs that do not fit together. */
export class VitError extends Error {
  override readonly name = 'VitError';
}
