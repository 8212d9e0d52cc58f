/**
 * Eigenvalues, largest first, and eigenvectors (one per row) of a symmetric (n, n) matrix,
 * by cyclic Jacobi rotations (Golub and Van Loan, Matrix Computations, 8.5). Meant for small n.
 */
export function symmetricEigen(matrix: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const a = Float64Array.from(matrix);
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;

  for (let sweep = 0; sweep < 60 && offDiagonal(a, n) > 0; sweep++) {
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        const apq = a[p * n + q]!;
        // Below rounding of both diagonal entries: a rotation would change nothing.
        if (Math.abs(apq) <= 1e-18 * Math.sqrt(Math.abs(a[p * n + p]! * a[q * n + q]!))) {
          a[p * n + q] = 0;
          a[q * n + p] = 0;
          continue;
        }
        const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * apq);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const cosine = 1 / Math.hypot(t, 1);
        const sine = t * cosine;
        for (let i = 0; i < n; i++) rotatePair(a, i * n + p, i * n + q, cosine, sine);
        for (let i = 0; i < n; i++) rotatePair(a, p * n + i, q * n + i, cosine, sine);
        for (let i = 0; i < n; i++) rotatePair(v, p * n + i, q * n + i, cosine, sine);
        a[p * n + q] = 0;
        a[q * n + p] = 0;
      }
    }
  }

  const order = Array.from({ length: n }, (_, i) => i).sort((x, y) => a[y * n + y]! - a[x * n + x]!);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => vectors.set(v.subarray(from * n, (from + 1) * n), to * n));
  return { values: Float64Array.from(order, (i) => a[i * n + i]!), vectors };
}

function offDiagonal(a: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) if (i !== j) sum += Math.abs(a[i * n + j]!);
  return sum;
}

function rotatePair(a: Float64Array, p: number, q: number, cosine: number, sine: number): void {
  const x = a[p]!;
  const y = a[q]!;
  a[p] = cosine * x - sine * y;
  a[q] = sine * x + cosine * y;
}
