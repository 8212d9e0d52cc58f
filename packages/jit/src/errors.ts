/** Something in a traced function, its arguments or an engine that cannot be compiled or run. The message says what to do. */
export class JitError extends Error {
  override readonly name = 'JitError';
}
