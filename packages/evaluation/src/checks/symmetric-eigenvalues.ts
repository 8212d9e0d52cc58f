/**
 * Eigenvalues of a symmetric (n, n) matrix in no particular order: Householder reflections to tridiagonal form, then
 * implicit QL steps (Golub and Van Loan, Matrix Computations, 8.3). About (4/3) n³ operations; `matrix` is overwritten.
 */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  const { diagonal, beside } = tridiagonal(matrix, n);
  for (let l = 0; l < n; l++) {
    // Each pass splits off the eigenvalue at l; 60 steps are many more than it ever takes.
    for (let step = 0; step < 60; step++) {
      const m = endOfBlock(diagonal, beside, l, n);
      if (m === l) break;
      implicitStep(diagonal, beside, l, m);
    }
  }
  return diagonal;
}

/** Diagonal, and the entries next to it (beside[i] joins i and i + 1). */
function tridiagonal(a: Float64Array, n: number): { diagonal: Float64Array; beside: Float64Array } {
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  const v = new Float64Array(n);
  const p = new Float64Array(n);
  for (let k = 0; k < n - 1; k++) {
    diagonal[k] = a[k * n + k]!;
    let square = 0;
    for (let i = k + 1; i < n; i++) square += (v[i] = a[k * n + i]!) ** 2;
    const length = Math.sqrt(square);
    const alpha = v[k + 1]! > 0 ? -length : length;
    beside[k] = alpha;
    // v vᵀ 2 / |v|² reflects the row onto its first entry.
    const first = v[k + 1]!;
    v[k + 1]! -= alpha;
    const half = square - alpha * first;
    if (half === 0) continue;
    // a − v qᵀ − q vᵀ with p = a v / half and q = p − v (vᵀ p) / (2 half)
    let overlap = 0;
    for (let i = k + 1; i < n; i++) {
      let sum = 0;
      for (let j = k + 1; j < n; j++) sum += a[i * n + j]! * v[j]!;
      p[i] = sum / half;
      overlap += p[i]! * v[i]!;
    }
    const share = overlap / (2 * half);
    for (let i = k + 1; i < n; i++) p[i]! -= share * v[i]!;
    for (let i = k + 1; i < n; i++) {
      for (let j = k + 1; j < n; j++) a[i * n + j]! -= v[i]! * p[j]! + p[i]! * v[j]!;
    }
  }
  if (n > 0) diagonal[n - 1] = a[n * n - 1]!;
  return { diagonal, beside };
}

/** The first place from l on after which the matrix falls apart. */
function endOfBlock(diagonal: Float64Array, beside: Float64Array, l: number, n: number): number {
  for (let m = l; m < n - 1; m++) {
    const size = Math.abs(diagonal[m]!) + Math.abs(diagonal[m + 1]!);
    if (Math.abs(beside[m]!) <= Number.EPSILON * size) return m;
  }
  return n - 1;
}

/** One QL step with Wilkinson's shift on the block l … m. */
function implicitStep(diagonal: Float64Array, beside: Float64Array, l: number, m: number): void {
  const half = (diagonal[l + 1]! - diagonal[l]!) / (2 * beside[l]!);
  const root = Math.hypot(half, 1);
  let g = diagonal[m]! - diagonal[l]! + beside[l]! / (half + (half >= 0 ? root : -root));
  let sine = 1;
  let cosine = 1;
  let shift = 0;
  for (let i = m - 1; i >= l; i--) {
    const f = sine * beside[i]!;
    const b = cosine * beside[i]!;
    const r = Math.hypot(f, g);
    beside[i + 1] = r;
    if (r === 0) {
      // The block falls apart here.
      diagonal[i + 1]! -= shift;
      beside[m] = 0;
      return;
    }
    sine = f / r;
    cosine = g / r;
    g = diagonal[i + 1]! - shift;
    const next = (diagonal[i]! - g) * sine + 2 * cosine * b;
    shift = sine * next;
    diagonal[i + 1] = g + shift;
    g = cosine * next - b;
  }
  diagonal[l]! -= shift;
  beside[l] = g;
  beside[m] = 0;
}
