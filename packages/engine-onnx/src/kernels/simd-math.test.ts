import { describe, expect, it } from 'vitest';
import { instantiate, RESERVED_BYTES } from './index';

const memory = new WebAssembly.Memory({ initial: 64 });
const wasm = instantiate(memory);

/** `x` through an elementwise function of the module. */
function map(f: 'mapExp2' | 'mapSigmoid', x: Float32Array): Float32Array {
  const padded = Math.ceil(x.length / 4) * 4;
  const input = RESERVED_BYTES;
  const output = input + 4 * padded;
  new Float32Array(memory.buffer, input, x.length).set(x);
  wasm[f](input, output, padded);
  return new Float32Array(memory.buffer, output, x.length).slice();
}

const grid = (from: number, to: number, count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));

const worstRelative = (x: Float32Array, y: Float32Array, f: (x: number) => number): number =>
  x.reduce((worst, v, i) => Math.max(worst, Math.abs(y[i] / f(v) - 1)), 0);

describe('exp2', () => {
  it('is within 2e-7 relative wherever the result is a normal number', () => {
    const x = grid(-126.4, 127.4, 200_001);
    expect(worstRelative(x, map('mapExp2', x), (v) => 2 ** v)).toBeLessThan(2e-7);
  });

  it('is exact at integers', () => {
    const x = grid(-126, 127, 254);
    expect([...map('mapExp2', x)]).toEqual([...x].map((v) => 2 ** v));
  });

  it('flushes to zero and passes NaN', () => {
    const x = Float32Array.of(-126.6, -127, -150, -1e30, -Infinity, NaN);
    expect([...map('mapExp2', x)]).toEqual([0, 0, 0, 0, 0, NaN]);
  });
});

describe('sigmoid', () => {
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

  it('agrees with float64', () => {
    const x = grid(-20, 20, 200_001);
    // The exponent x log2(e) is rounded to 24 bits: 20 * 6e-8.
    expect(worstRelative(x, map('mapSigmoid', x), sigmoid)).toBeLessThan(2e-6);
    const near = grid(-2, 40, 100_001);
    expect(worstRelative(near, map('mapSigmoid', near), sigmoid)).toBeLessThan(5e-7);
  });

  it('has the limits 0 and 1 and passes NaN', () => {
    const x = Float32Array.of(-Infinity, -1e30, -100, 0, 100, 1e30, Infinity, NaN);
    expect([...map('mapSigmoid', x)]).toEqual([0, 0, 0, 0.5, 1, 1, 1, NaN]);
  });
});

describe('log2', () => {
  it('agrees with Math.log2 over the whole range of float64', () => {
    for (let exponent = -1021; exponent < 1024; exponent += 0.37) {
      const x = 2 ** exponent;
      const exact = Math.log2(x);
      expect(Math.abs(wasm.log2Number(x) - exact)).toBeLessThanOrEqual(1e-15 + 4e-16 * Math.abs(exact));
    }
  });

  it('is -inf at 0, NaN below and inf at inf', () => {
    expect([0, -1, NaN, Infinity, 1].map((x) => wasm.log2Number(x))).toEqual([-Infinity, NaN, NaN, Infinity, 0]);
  });
});

describe('exp', () => {
  it('agrees with Math.exp', () => {
    // x log2(e) up to 1000 makes ln2 count 1000 times, with its rounding of 2e-17 each.
    for (let x = -699; x < 20; x += 0.173) expect(Math.abs(wasm.expNumber(x) / Math.exp(x) - 1)).toBeLessThan(1e-13);
    expect([0, -701, -Infinity].map((x) => wasm.expNumber(x))).toEqual([1, 0, 0]);
  });
});
