import { openSafetensors } from '@dinov2/weights';
import { TrainerError } from './errors';

type Opened = Awaited<ReturnType<typeof openSafetensors>>;

interface Box {
  readonly file: Opened;
  readonly key: string;
  readonly start: readonly number[] | undefined;
}

/** The files of a checkpoint, in which an array is whole or cut into boxes named `<array>@<start per axis>`. */
export class StateFiles {
  private constructor(
    private readonly files: readonly Opened[],
    private readonly boxes: ReadonlyMap<string, readonly Box[]>,
    private readonly place: string,
  ) {}

  static async open(paths: readonly string[]): Promise<StateFiles> {
    const files: Opened[] = [];
    const boxes = new Map<string, Box[]>();
    for (const path of paths) {
      const file = await openSafetensors(path);
      files.push(file);
      for (const key of file.entries.keys()) {
        const [name, start] = key.split('@') as [string, string?];
        const box = { file, key, start: start?.split(',').map(Number) };
        boxes.set(name, [...(boxes.get(name) ?? []), box]);
      }
    }
    return new StateFiles(files, boxes, paths.join(', '));
  }

  /**
   * A whole array.
   *
   * @throws TrainerError if the files do not hold all of it in float32, in this shape.
   */
  async read(name: string, shape: readonly number[]): Promise<Float32Array> {
    const boxes = this.boxes.get(name) ?? [];
    const size = shape.reduce((a, b) => a * b, 1);
    const whole = boxes[0]?.start === undefined ? undefined : new Float32Array(size);
    let filled = 0;
    for (const { file, key, start } of boxes) {
      const { data, shape: boxShape, dtype } = await file.read(key);
      const fits = start === undefined ? String(boxShape) === String(shape) : boxShape.length === shape.length && boxShape.every((length, i) => start[i]! + length <= shape[i]!);
      if (!(data instanceof Float32Array) || !fits) {
        throw new TrainerError(
          `"${key}" in ${this.place} is ${dtype} [${boxShape}], this configuration needs F32 [${shape}]; start the run in another folder.`,
        );
      }
      if (whole === undefined) return data;
      copyBox(data, boxShape, whole, shape, start!);
      filled += data.length;
    }
    if (whole === undefined || filled !== size) {
      throw new TrainerError(
        `"${name}" in ${this.place} has ${filled} of ${size} values; the checkpoint of another configuration, or one with a file missing. Start the run in another folder, or restore the files.`,
      );
    }
    return whole;
  }

  async close(): Promise<void> {
    for (const file of this.files) await file.close();
  }
}

/** Write a box into an array, row by row of its last axis. */
function copyBox(box: Float32Array, boxShape: readonly number[], whole: Float32Array, shape: readonly number[], start: readonly number[]): void {
  const width = boxShape.at(-1) ?? 1;
  const at = boxShape.map(() => 0);
  for (let from = 0; from < box.length; from += width) {
    const target = shape.reduce((offset, length, i) => offset * length + start[i]! + at[i]!, 0);
    whole.set(box.subarray(from, from + width), target);
    for (let axis = at.length - 2; axis >= 0; axis--) {
      if (++at[axis]! < boxShape[axis]!) break;
      at[axis] = 0;
    }
  }
}
