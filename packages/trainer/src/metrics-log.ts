import { appendFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { atomicWrite } from '@dinov2/weights';
import { TrainerError } from './errors';
import { createEventWriter, type EventWriter } from './tensorboard';

/** Values of one iteration by name; see the README for the names. */
export type MetricsLine = { readonly iteration: number } & Readonly<Record<string, number>>;

/** `metrics.jsonl` and TensorBoard's events of a run folder. */
export class MetricsLog {
  private constructor(
    private readonly path: string,
    private readonly events: EventWriter,
  ) {}

  /** Continue the log of a folder. Lines from `firstIteration` on, which will be computed again, are dropped. */
  static async open(folder: string, firstIteration: number): Promise<MetricsLog> {
    const path = join(folder, 'metrics.jsonl');
    const text = await readFile(path, 'utf8').catch(() => '');
    const kept = text.split('\n').filter((line) => isBefore(line, firstIteration));
    await atomicWrite(path, (file) => file.writeFile(kept.map((line) => `${line}\n`).join('')));
    return new MetricsLog(path, createEventWriter(join(folder, 'tensorboard'), firstIteration));
  }

  /**
   * NaN and infinities are written as null, and left out of the events.
   *
   * @throws TrainerError if the folder cannot be written, for instance on a full disk.
   */
  write(line: MetricsLine): void {
    const { iteration, ...values } = line;
    const finite = Object.entries(values).filter(([, value]) => Number.isFinite(value));
    try {
      appendFileSync(this.path, `${JSON.stringify(line)}\n`);
      this.events.scalars(iteration, Object.fromEntries(finite));
    } catch (error) {
      throw new TrainerError(
        `The metrics of iteration ${iteration} were not written to ${this.path}: ${(error as Error).message}. ` +
          'Free disk space and start the run again; it continues from its newest checkpoint.',
        { cause: error },
      );
    }
  }
}

function isBefore(line: string, iteration: number): boolean {
  try {
    return (JSON.parse(line) as MetricsLine).iteration < iteration;
  } catch {
    // The empty end of the file, or half a line of a killed run.
    return false;
  }
}
