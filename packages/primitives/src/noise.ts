/** A number in [0, 1) that depends on three whole numbers, without visible order. */
export function whiteNoise(x: number, y: number, z: number): number {
  let h = Math.imul(x, 0x8da6b343) ^ Math.imul(y, 0xd8163841) ^ Math.imul(z, 0xcb1ab31f);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return ((h ^ (h >>> 15)) >>> 0) / 2 ** 32;
}

const fade = (t: number) => t * t * (3 - 2 * t);
const mix = (a: number, b: number, t: number) => a + (b - a) * t;

/** Smooth noise in [0, 1) with one random value per unit cube. */
export function valueNoise(x: number, y: number, z: number): number {
  const [i, j, k] = [Math.floor(x), Math.floor(y), Math.floor(z)];
  const [u, v, w] = [fade(x - i), fade(y - j), fade(z - k)];
  const layer = (k: number) =>
    mix(mix(whiteNoise(i, j, k), whiteNoise(i + 1, j, k), u), mix(whiteNoise(i, j + 1, k), whiteNoise(i + 1, j + 1, k), u), v);
  return mix(layer(k), layer(k + 1), w);
}

/** Noise of three octaves, in [0, 1). */
export function fractalNoise(x: number, y: number, z: number): number {
  return (4 * valueNoise(x, y, z) + 2 * valueNoise(2 * x, 2 * y, 2 * z) + valueNoise(4 * x, 4 * y, 4 * z)) / 7;
}

/** Distance to the nearest of points scattered one per unit square (Worley 1996). */
export function cellDistance(x: number, y: number): number {
  const [i, j] = [Math.floor(x), Math.floor(y)];
  let nearest = Infinity;
  for (let a = i - 1; a <= i + 1; a++) {
    for (let b = j - 1; b <= j + 1; b++) {
      const dx = a + whiteNoise(a, b, 1) - x;
      const dy = b + whiteNoise(a, b, 2) - y;
      nearest = Math.min(nearest, dx * dx + dy * dy);
    }
  }
  return Math.sqrt(nearest);
}
