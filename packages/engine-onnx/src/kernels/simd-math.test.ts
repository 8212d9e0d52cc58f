import { describe, expect, it } from 'vitest';
import { instantiate, RESERVED_BYTES } from './index';

const memory = new WebAssembly.Memory({ initial: 64 });
const wasm = instantiate(memory);

/** `x` through an elementwise function of the module. */
function map(f: 'mapExp' | 'mapNormalCdf', x: Float32Array): Float32Array {
  const padded = Math.ceil(x.length / 4) * 4;
  const input = RESERVED_BYTES;
  const output = input + 4 * padded;
  new Float32Array(memory.buffer, input, x.length).set(x);
  wasm[f](input, output, padded);
  return new Float32Array(memory.buffer, output, x.length).slice();
}

const grid = (from: number, to: number, count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));

/** Distance between neighbouring float32 values around a normal number. */
const ulp = (value: number): number => 2 ** (Math.floor(Math.log2(Math.abs(value))) - 23);

/** Standard normal distribution function in float64: a Taylor series inside, a continued fraction outside. */
function normalCdf(x: number): number {
  if (Math.abs(x) < 4) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 100; n++) {
      term *= (x * x) / (2 * n + 1);
      sum += term;
    }
    return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / (Math.abs(x) + fraction);
  const tail = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI) / (Math.abs(x) + fraction);
  return x < 0 ? tail : 1 - tail;
}

describe('exp', () => {
  it('is within 2 ulp wherever the result is a normal number', () => {
    const x = grid(-86.9, 88.72, 200_001);
    const y = map('mapExp', x);
    let worst = 0;
    for (let i = 0; i < x.length; i++) {
      const exact = Math.exp(x[i]);
      worst = Math.max(worst, Math.abs(y[i] - exact) / ulp(exact));
    }
    expect(worst).toBeLessThan(2);
  });

  it('overflows, flushes to zero and passes NaN', () => {
    const x = Float32Array.of(0, -0, 88.73, 1e30, Infinity, -87, -104, -1e30, -Infinity, NaN);
    const y = map('mapExp', x);
    expect([...y]).toEqual([1, 1, Infinity, Infinity, Infinity, 0, 0, 0, 0, NaN]);
  });
});

describe('normal distribution function', () => {
  // t = 1 / (1 + 0.35 |x|) is near 1 where the tail is near 1/2; its rounding alone moves that by 1e-7.
  it('is within 2e-7 of the float64 value', () => {
    const x = grid(-15, 15, 200_001);
    const y = map('mapNormalCdf', x);
    let worst = 0;
    for (let i = 0; i < x.length; i++) worst = Math.max(worst, Math.abs(y[i] - normalCdf(x[i])));
    expect(worst).toBeLessThan(2e-7);
  });

  it('keeps a small relative error in the lower tail, which Gelu multiplies by x', () => {
    const x = grid(-6, 0, 60_001);
    const y = map('mapNormalCdf', x);
    for (let i = 0; i < x.length; i += 7) {
      expect(Math.abs(y[i] / normalCdf(x[i]) - 1)).toBeLessThan(6e-5);
    }
  });

  it('has the limits 0 and 1 and passes NaN', () => {
    const y = map('mapNormalCdf', Float32Array.of(-Infinity, -1e30, 0, 1e30, Infinity, NaN));
    expect([...y]).toEqual([0, 0, 0.5, 1, 1, NaN]);
  });
});
