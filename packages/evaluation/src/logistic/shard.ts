/** What the WebAssembly module offers; see assembly/logistic.ts. Pointers are byte offsets into its memory. */
interface Kernel {
  scratchBytes(dim: number, classes: number): number;
  evaluate(x: number, labels: number, rows: number, dim: number, classes: number, coefficients: number, gradient: number, scratch: number): number;
  metric(x: number, rows: number, dim: number, classes: number, coefficients: number, result: number, scratch: number): void;
  scores(x: number, rows: number, dim: number, classes: number, coefficients: number, result: number, scratch: number): void;
}

/** Labelled rows. */
export interface ShardData {
  /** (rows, dim) */
  readonly features: Float32Array;
  /** (rows,) */
  readonly labels: Int32Array;
  readonly dim: number;
  readonly classes: number;
}

/** Sums over rows. Coefficients are (classes, dim + 1); the last of a row is the bias. */
export interface Shard {
  /** Sum of cross-entropies and its gradient, (classes, dim + 1). */
  evaluate(coefficients: Float64Array): { loss: number; gradient: Float64Array<ArrayBuffer> };
  /** Sum of v x xᵀ with v the mean over classes of p (1 - p); (dim + 1, dim + 1). */
  metric(coefficients: Float64Array): Float64Array<ArrayBuffer>;
  /** (rows, classes) */
  scores(coefficients: Float64Array): Float64Array<ArrayBuffer>;
}

/**
 * Rows in a WebAssembly memory of their own. The text of this function is also what a worker thread runs, so it
 * refers to nothing outside itself.
 */
export function createShard(module: WebAssembly.Module, { features, labels, dim, classes }: ShardData): Shard {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const { exports } = new WebAssembly.Instance(module, { env: { memory, log1p: Math.log1p } });
  const kernel = exports as unknown as Kernel;
  const rows = labels.length;
  const width = dim + 1;
  const wide = (n: number) => (n + 3) & ~3;

  // The module's own stack and globals stay below the first page.
  let top = 65536;
  const reserve = (bytes: number) => {
    const at = top;
    top += Math.ceil(bytes / 16) * 16;
    return at;
  };
  const x = reserve(features.length * 4);
  const y = reserve(rows * 4);
  const panels = reserve(wide(classes) * width * 8);
  const scratch = reserve(kernel.scratchBytes(dim, classes));
  const chunk = Math.min(rows, 1024); // rows scored at once
  const result = reserve(8 * Math.max(wide(classes) * wide(width), wide(width) ** 2, chunk * classes));
  memory.grow(Math.ceil(top / 65536) - 1);
  new Float32Array(memory.buffer, x, features.length).set(features);
  new Int32Array(memory.buffer, y, rows).set(labels);

  /** (classes, dim + 1) to panels (wide(classes) / 4, dim + 1, 4). */
  const load = (coefficients: Float64Array) => {
    const target = new Float64Array(memory.buffer, panels, wide(classes) * width);
    for (let c = 0; c < classes; c++) {
      let at = (c >> 2) * width * 4 + (c & 3);
      for (let d = c * width; d < (c + 1) * width; d++, at += 4) target[at] = coefficients[d]!;
    }
  };
  /** The first `count` rows of dim + 1 numbers out of rows of wide(dim + 1). */
  const read = (count: number) => {
    const values = new Float64Array(count * width);
    for (let i = 0; i < count; i++) {
      values.set(new Float64Array(memory.buffer, result + i * wide(width) * 8, width), i * width);
    }
    return values;
  };

  return {
    evaluate(coefficients) {
      load(coefficients);
      const loss = kernel.evaluate(x, y, rows, dim, classes, panels, result, scratch);
      return { loss, gradient: read(classes) };
    },
    metric(coefficients) {
      load(coefficients);
      kernel.metric(x, rows, dim, classes, panels, result, scratch);
      const values = read(width);
      for (let i = 0; i < width; i++) for (let j = i + 1; j < width; j++) values[i * width + j] = values[j * width + i]!;
      return values;
    },
    scores(coefficients) {
      load(coefficients);
      const values = new Float64Array(rows * classes);
      for (let first = 0; first < rows; first += chunk) {
        const count = Math.min(chunk, rows - first);
        kernel.scores(x + first * dim * 4, count, dim, classes, panels, result, scratch);
        values.set(new Float64Array(memory.buffer, result, count * classes), first * classes);
      }
      return values;
    },
  };
}
