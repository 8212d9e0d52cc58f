import type { ExtractProgress } from './types';

/** Finished steps from which the speed is told. */
const window = 30;

/** Counts finished images and tells their speed by the last batches. */
export class ProgressMeter {
  private left: number;
  private readonly cached: number;
  private readonly marks: { readonly time: number; readonly left: number }[];

  constructor(
    private readonly total: number,
    missing: number,
    private readonly onProgress: ((progress: ExtractProgress) => void) | undefined,
    private readonly now: () => number = () => performance.now() / 1000,
  ) {
    this.left = missing;
    this.cached = total - missing;
    this.marks = [{ time: now(), left: missing }];
  }

  advance(images: number): void {
    if (images === 0) return;
    this.left -= images;
    this.marks.push({ time: this.now(), left: this.left });
    if (this.marks.length > window) this.marks.shift();
    this.report();
  }

  report(): void {
    const [first, last] = [this.marks[0], this.marks.at(-1)!];
    const seconds = last.time - first.time;
    const imagesPerSecond = seconds > 0 ? (first.left - last.left) / seconds : 0;
    this.onProgress?.({
      done: this.total - this.left,
      total: this.total,
      cached: this.cached,
      imagesPerSecond,
      secondsLeft: this.left === 0 ? 0 : this.left / imagesPerSecond,
    });
  }
}
