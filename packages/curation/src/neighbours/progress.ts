/** How far a join is. */
export interface JoinProgress {
  /** `index`: rows are put into partitions; `join`: queries are compared; `check`: a sample is compared with everything. */
  readonly stage: 'index' | 'join' | 'check';
  /** Rows of the stage that are done; of queries that are compared at the same time, a share. */
  readonly done: number;
  readonly total: number;
  readonly rowsPerSecond: number;
  readonly secondsLeft: number;
}

/** Reports the progress of one stage. */
export function stageProgress(
  stage: JoinProgress['stage'],
  total: number,
  onProgress: ((progress: JoinProgress) => void) | undefined,
): (done: number) => void {
  const begin = performance.now();
  return (done) => {
    const rowsPerSecond = done / Math.max((performance.now() - begin) / 1000, 1e-3);
    onProgress?.({ stage, done, total, rowsPerSecond, secondsLeft: done > 0 ? (total - done) / rowsPerSecond : Infinity });
  };
}
