/** A cosine whose distance from 1 has three digits: 0.969, 0.99881. */
export const roundCosine = (cosine: number): number => Number((1 - Number((1 - cosine).toPrecision(3))).toFixed(8));
