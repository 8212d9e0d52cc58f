/** Inputs or attributes that a primitive cannot work with. The message names the primitive and the input. */
export class PrimitiveError extends Error {
  override readonly name = 'PrimitiveError';
}
