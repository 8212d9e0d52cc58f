import { splat, sumLanes } from './simd-math';

/** Columns of the parameters; see `augmentColumns` in @dinov2/augment. */
const COLUMNS: usize = 12;
const ON: usize = 0;
const ORDER: usize = 1;
const FACTORS: usize = 5;
const HUE_SHIFT: usize = 8;
const GRAYSCALE: usize = 9;

const BRIGHTNESS: i32 = 0;
const CONTRAST: i32 = 1;
const SATURATION: i32 = 2;
const HUE: i32 = 3;
const GRAY: i32 = 4;

/** Bytes of four interleaved RGB pixels. */
const QUAD: usize = 48;

/** Quads whose luma is summed in float32, exactly: 2^12 * 255 < 2^24. */
const BLOCK: usize = 4096;

/** Red, green and blue of four pixels. */
let red: v128 = i32x4.splat(0);
let green: v128 = i32x4.splat(0);
let blue: v128 = i32x4.splat(0);

/**
 * Colour jitter and grayscale of x (n, pixels, 3), whole numbers 0 to 255, with params (n, 12).
 * Every value is computed as the tensor fallback does in float32. out may be x. `scratch` holds 48 bytes.
 */
export function colorJitter(x: usize, params: usize, out: usize, scratch: usize, n: usize, pixels: usize): void {
  const bytes = pixels * 12;
  for (let i: usize = 0; i < n; i++) {
    const row = params + i * COLUMNS * 4;
    const to = out + i * bytes;
    let from = x + i * bytes;
    if (load<f32>(row + ON * 4) != 0) {
      for (let step: usize = 0; step < 4; step++) {
        const operation = <i32>load<f32>(row + (ORDER + step) * 4);
        let value = load<f32>(row + (FACTORS + <usize>operation) * 4);
        if (operation == HUE) value = load<f32>(row + HUE_SHIFT * 4);
        const gray: f32 = operation == CONTRAST ? meanLuma(from, pixels) : 0;
        apply(operation, from, to, scratch, bytes, value, gray);
        from = to;
      }
    }
    if (load<f32>(row + GRAYSCALE * 4) != 0) {
      apply(GRAY, from, to, scratch, bytes, 0, 0);
    } else if (from != to) {
      memory.copy(to, from, bytes);
    }
  }
}

function apply(operation: i32, from: usize, to: usize, scratch: usize, bytes: usize, value: f32, gray: f32): void {
  const whole = bytes - (bytes % QUAD);
  applyToQuads(operation, from, to, whole, value, gray);
  if (whole < bytes) {
    memory.copy(scratch, from + whole, bytes - whole);
    applyToQuads(operation, scratch, scratch, QUAD, value, gray);
    memory.copy(to + whole, scratch, bytes - whole);
  }
}

function applyToQuads(operation: i32, from: usize, to: usize, bytes: usize, value: f32, gray: f32): void {
  const factor = splat(value);
  if (operation == BRIGHTNESS || operation == CONTRAST) {
    const base = splat(gray);
    for (let j: usize = 0; j < bytes; j += 16) v128.store(to + j, blend(base, v128.load(from + j), factor));
  } else if (operation == SATURATION) {
    for (let j: usize = 0; j < bytes; j += QUAD) {
      loadQuad(from + j);
      const base = luma();
      red = blend(base, red, factor);
      green = blend(base, green, factor);
      blue = blend(base, blue, factor);
      storeQuad(to + j);
    }
  } else if (operation == HUE) {
    for (let j: usize = 0; j < bytes; j += QUAD) {
      loadQuad(from + j);
      shiftHue(factor);
      storeQuad(to + j);
    }
  } else {
    for (let j: usize = 0; j < bytes; j += QUAD) {
      loadQuad(from + j);
      red = luma();
      green = red;
      blue = red;
      storeQuad(to + j);
    }
  }
}

@inline
function loadQuad(at: usize): void {
  const a = v128.load(at); // r0 g0 b0 r1
  const b = v128.load(at, 16); // g1 b1 r2 g2
  const c = v128.load(at, 32); // b2 r3 g3 b3
  red = v128.shuffle<f32>(v128.shuffle<f32>(a, b, 0, 3, 6, 6), c, 0, 1, 2, 5);
  green = v128.shuffle<f32>(v128.shuffle<f32>(a, b, 1, 4, 7, 7), c, 0, 1, 2, 6);
  blue = v128.shuffle<f32>(v128.shuffle<f32>(a, b, 2, 5, 5, 5), c, 0, 1, 4, 7);
}

@inline
function storeQuad(at: usize): void {
  const low = v128.shuffle<f32>(red, green, 0, 4, 1, 5); // r0 g0 r1 g1
  const high = v128.shuffle<f32>(red, green, 2, 6, 3, 7); // r2 g2 r3 g3
  v128.store(at, v128.shuffle<f32>(low, blue, 0, 1, 4, 2));
  v128.store(at, v128.shuffle<f32>(v128.shuffle<f32>(low, blue, 3, 5, 3, 5), high, 0, 1, 4, 5), 16);
  const last = v128.shuffle<f32>(high, blue, 2, 3, 6, 7); // r3 g3 b2 b3
  v128.store(at, v128.shuffle<f32>(last, last, 2, 0, 1, 3), 32);
}

/** PIL's luma: (19595 R + 38470 G + 7471 B + 32768) >> 16; below 2^24, so exact in float32. */
@inline
function luma(): v128 {
  const sum = f32x4.add(
    f32x4.add(f32x4.mul(red, splat(19595.0)), f32x4.mul(green, splat(38470.0))),
    f32x4.mul(blue, splat(7471.0)),
  );
  return f32x4.floor(f32x4.mul(f32x4.add(sum, splat(32768.0)), splat(1.0 / 65536.0)));
}

/** PIL's blend: from `base` towards and beyond `image`, clipped and truncated to 8 bits. */
@inline
function blend(base: v128, image: v128, factor: v128): v128 {
  const mixed = f32x4.add(base, f32x4.mul(factor, f32x4.sub(image, base)));
  return f32x4.floor(f32x4.pmin(f32x4.pmax(mixed, splat(0.0)), splat(255.0)));
}

/** The mean luma, rounded to a whole number. */
function meanLuma(at: usize, pixels: usize): f32 {
  const quads = pixels >> 2;
  let total: f64 = 0;
  for (let start: usize = 0; start < quads; start += BLOCK) {
    const end = min(start + BLOCK, quads);
    let sum = splat(0);
    for (let i = start; i < end; i++) {
      loadQuad(at + i * QUAD);
      sum = f32x4.add(sum, luma());
    }
    total += sumLanes(sum);
  }
  for (let i = quads << 2; i < pixels; i++) {
    red = v128.load32_splat(at + i * 12);
    green = v128.load32_splat(at + i * 12, 4);
    blue = v128.load32_splat(at + i * 12, 8);
    total += <f64>f32x4.extract_lane(luma(), 0);
  }
  return <f32>floor<f64>(total / <f64>pixels + 0.5);
}

/**
 * Shift the hue by `shift` steps of PIL's 8-bit HSV. Every intermediate is a whole number or a correctly rounded
 * quotient that float32 holds; the formulas are those of `shiftHue` in @dinov2/augment.
 */
@inline
function shiftHue(shift: v128): void {
  const one = splat(1.0);
  const value = f32x4.pmax(f32x4.pmax(red, green), blue);
  const least = f32x4.pmin(f32x4.pmin(red, green), blue);
  const range = f32x4.sub(value, least);
  const saturation = f32x4.floor(f32x4.div(f32x4.mul(range, splat(255.0)), f32x4.pmax(value, one)));
  const shifted = f32x4.add(hue(value, least, range), shift);
  const turned = f32x4.sub(shifted, f32x4.mul(f32x4.floor(f32x4.mul(shifted, splat(1.0 / 256.0))), splat(256.0)));

  const sixths = f32x4.mul(turned, splat(6.0));
  const sector = f32x4.floor(f32x4.div(sixths, splat(255.0)));
  const rest = f32x4.sub(sixths, f32x4.mul(sector, splat(255.0)));
  const chroma = f32x4.mul(value, saturation);
  const full = splat(65025.0);
  const p = f32x4.sub(value, f32x4.nearest(f32x4.div(chroma, splat(255.0))));
  const q = f32x4.sub(value, f32x4.nearest(f32x4.div(f32x4.mul(chroma, rest), full)));
  const inverse = f32x4.sub(splat(255.0), rest);
  const t = f32x4.sub(value, f32x4.nearest(f32x4.div(f32x4.mul(chroma, inverse), full)));

  // Sector 6 (hue 255) is red again, as sector 0.
  const is0 = v128.or(f32x4.eq(sector, splat(0.0)), f32x4.ge(sector, splat(6.0)));
  const is1 = f32x4.eq(sector, one);
  const is2 = f32x4.eq(sector, splat(2.0));
  const is3 = f32x4.eq(sector, splat(3.0));
  const is4 = f32x4.eq(sector, splat(4.0));
  const is5 = f32x4.eq(sector, splat(5.0));
  red = v128.bitselect(q, v128.bitselect(t, v128.bitselect(p, value, v128.or(is2, is3)), is4), is1);
  green = v128.bitselect(t, v128.bitselect(q, v128.bitselect(value, p, v128.or(is1, is2)), is3), is0);
  blue = v128.bitselect(t, v128.bitselect(q, v128.bitselect(value, p, v128.or(is3, is4)), is5), is2);
}

/** PIL's 8-bit hue; any value where `range` is 0, since the saturation is 0 there. */
@inline
function hue(value: v128, least: v128, range: v128): v128 {
  const one = splat(1.0);
  const sum = f32x4.add(f32x4.add(red, green), blue);
  const middle = f32x4.sub(f32x4.sub(sum, value), least);
  const ratio = f32x4.div(f32x4.sub(value, middle), f32x4.pmax(range, one));
  const negative = f32x4.neg(ratio);
  const isRed = f32x4.eq(red, value);
  const isGreen = v128.andnot(f32x4.eq(green, value), isRed);
  const blueLeast = f32x4.eq(blue, least);
  const redLeast = f32x4.eq(red, least);
  // hue * 6 = corner + signed ratio: red 1 - q or -1 + q, green 1 + q or 3 - q, blue 3 + q or 5 - q.
  const forRed = f32x4.add(v128.bitselect(one, splat(-1.0), blueLeast), v128.bitselect(negative, ratio, blueLeast));
  const forGreen = f32x4.add(v128.bitselect(one, splat(3.0), blueLeast), v128.bitselect(ratio, negative, blueLeast));
  const forBlue = f32x4.add(v128.bitselect(splat(3.0), splat(5.0), redLeast), v128.bitselect(ratio, negative, redLeast));
  const corner = v128.bitselect(forRed, v128.bitselect(forGreen, forBlue, isGreen), isRed);
  const sixth = f32x4.div(corner, splat(6.0));
  const turn = f32x4.add(sixth, v128.and(f32x4.lt(sixth, splat(0.0)), one));
  // trunc(255 turn) of the exact product: 255 turn - nearest is exact in this form.
  const nearest = f32x4.nearest(f32x4.mul(turn, splat(255.0)));
  const residue = f32x4.sub(f32x4.sub(f32x4.mul(turn, splat(256.0)), nearest), turn);
  return f32x4.sub(nearest, v128.and(f32x4.lt(residue, splat(0.0)), one));
}
