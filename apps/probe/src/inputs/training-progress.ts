import { createProgress } from '@dinov2/app-kit';
import type { HeadProgress, LinearProgress, ViewProgress } from '@dinov2/evaluation';
import type { Curve } from '../results/schema';

/** Points of a curve that a page still shows well. */
const MOST_POINTS = 400;

/** Shows how a head is trained, and keeps its loss. */
export class TrainingProgress {
  private readonly losses: { at: number; loss: number }[] = [];
  private bar: ReturnType<typeof createProgress> | undefined;
  private label = '';
  private told = performance.now();
  private testFrom: number | undefined;

  constructor(private readonly name: string) {}

  readonly onViews = ({ done, total, viewsPerSecond, secondsLeft }: ViewProgress): void => {
    this.show('features', 'views', total, 0).update(done, { rate: viewsPerSecond, secondsLeft });
  };

  readonly onProgress = ({ iteration, total, loss, iterationsPerSecond, secondsLeft }: Pick<HeadProgress & LinearProgress, 'iteration' | 'total' | 'loss' | 'iterationsPerSecond' | 'secondsLeft'>): void => {
    this.told = performance.now();
    this.losses.push({ at: iteration, loss });
    this.show('head', 'iterations', total, iteration - 1).update(iteration, { rate: iterationsPerSecond, secondsLeft, details: [`loss ${loss.toFixed(4)}`] });
  };

  readonly onTest = ({ done, total, secondsLeft }: { done: number; total: number; secondsLeft: number }): void => {
    // The test begins where the training ended: when the last of it was told.
    this.testFrom ??= this.told;
    this.show('test', 'images', total, 0).update(done, { rate: (1000 * done) / (performance.now() - this.testFrom), secondsLeft });
  };

  end(): void {
    this.bar?.end();
    this.bar = undefined;
    this.label = '';
  }

  /** The loss over iterations, thinned out by means of neighbouring ones. */
  curves(): Curve[] {
    const size = Math.max(1, Math.ceil(this.losses.length / MOST_POINTS));
    const groups = Array.from({ length: Math.ceil(this.losses.length / size) }, (_, i) => this.losses.slice(i * size, (i + 1) * size));
    if (groups.length === 0) return [];
    const mean = (group: readonly { loss: number }[]) => Number((group.reduce((sum, { loss }) => sum + loss, 0) / group.length).toPrecision(6));
    return [{ title: 'loss', unit: 'iteration', at: groups.map((group) => group.at(-1)!.at), series: [{ name: 'training loss', values: groups.map(mean) }] }];
  }

  /** The bar of a phase; that of the phase before is ended. */
  private show(label: string, unit: string, total: number, first: number): ReturnType<typeof createProgress> {
    if (this.bar === undefined || this.label !== label) {
      this.bar?.end();
      this.label = label;
      this.bar = createProgress({ total, first, unit, label: `${this.name}, ${label}`, details: label === 'head' ? 1 : 0 });
    }
    return this.bar;
  }
}
