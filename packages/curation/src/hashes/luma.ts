/** Luma of interleaved 8-bit RGB as Pillow's `convert('L')` rounds it: ITU-R 601 weights in 16-bit fixed point. */
export function luma(red: number, green: number, blue: number): number {
  return (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16;
}
