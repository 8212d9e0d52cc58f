/** Thrown by the trainer; the message names the value, the place and what to do. */
export class TrainerError extends Error {
  override readonly name = 'TrainerError';
}
