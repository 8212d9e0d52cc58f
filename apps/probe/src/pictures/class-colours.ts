/** Degrees between hues of classes that follow each other: the golden angle keeps all of them apart. */
const GOLDEN_ANGLE = 137.508;

/** An 8-bit colour for a class number; grey for 255, what is ignored. */
export function classColour(label: number): readonly [number, number, number] {
  if (label === 255) return [128, 128, 128];
  const hue = (label * GOLDEN_ANGLE + 200) % 360;
  const lightness = [0.52, 0.68, 0.4][Math.floor(label / 8) % 3]!;
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - 0.62 * Math.min(lightness, 1 - lightness) * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}
