import { WeightsError } from '../../errors';
import { dtypes, type WeightData } from '../dtypes';
import type { RandomAccessFile } from '../random-access-file';
import { allocate, readElements } from '../read-tensor';
import { elementsOf, entryOf, targetOf, type TensorEntry, type WeightsFile } from '../weights-file';
import { findAllowed, storageOf } from './allowed-names';
import { checksumsOf, noChecksums } from './checksums';
import { flatten } from './flatten';
import { readView } from './read-view';
import { refusal } from './refusal';
import { type Pickled, PickleFault, unpickle } from './unpickle';
import { isContiguous, type PickledTensor } from './view';
import { listArchive, type StoredEntry } from './zip-archive';

interface PytorchEntry extends TensorEntry {
  readonly tensor: PickledTensor;
  readonly stored: StoredEntry;
}

// The pickle holds names and shapes only: some 100 bytes per tensor.
const maximumPickleBytes = 32 << 20;

/**
 * The `.pth` archive that `file` holds, and closes.
 *
 * @throws WeightsError if the archive is damaged, or its pickle wants anything but tensors and plain values.
 */
export async function readPytorchArchive(file: RandomAccessFile, verifyChecksums: boolean): Promise<WeightsFile> {
  const { path } = file;
  const archive = await listArchive(file);
  const checksums = verifyChecksums ? checksumsOf(file) : noChecksums;
  const root = rootOf(path, archive);

  const readSmall = async (entry: StoredEntry): Promise<Uint8Array> => {
    if (entry.bytes > maximumPickleBytes) {
      throw new WeightsError(`${path} is refused: its "${entry.name}" has ${entry.bytes} bytes, more than ${maximumPickleBytes}. Save only the state dict.`);
    }
    const bytes = new Uint8Array(entry.bytes);
    await checksums.check(entry, async (observe) => {
      await file.read(bytes, await entry.start());
      observe?.(bytes);
    });
    return bytes;
  };

  const byteOrder = archive.get(`${root}/byteorder`);
  // Absent before PyTorch 2.1, which knew little-endian machines only.
  if (byteOrder !== undefined) {
    const order = new TextDecoder().decode(await readSmall(byteOrder));
    if (order !== 'little') {
      throw new WeightsError(
        `${path} has byte order ${JSON.stringify(order.slice(0, 20))}, where "little" is read. ` +
          'In Python, load it on a little-endian machine and save it again.',
      );
    }
  }

  const pickle = await readSmall(archive.get(`${root}/data.pkl`)!);
  const storages = new Map<string, StoredEntry>();
  const load = (id: Pickled): Pickled => {
    const storage = storageOf(id);
    const entry = archive.get(`${root}/data/${storage.key}`);
    if (entry === undefined) throw new PickleFault(`its data "${storage.key}" is not in the archive`);
    const bytes = storage.elements * dtypes[storage.dtype].bytes;
    if (bytes > entry.bytes) throw new PickleFault(`its data "${storage.key}" should have ${bytes} bytes and has ${entry.bytes}`);
    storages.set(storage.key, entry);
    return storage;
  };
  const entries = new Map<string, PytorchEntry>();
  let values: ReadonlyMap<string, unknown>;
  try {
    const flattened = flatten(unpickle(pickle, { find: findAllowed, load }));
    for (const [name, tensor] of flattened.tensors) {
      const { dtype, key } = tensor.storage;
      entries.set(name, { dtype, shape: tensor.shape, tensor, stored: storages.get(key)! });
    }
    values = flattened.values;
  } catch (error) {
    throw error instanceof PickleFault ? refusal(path, error) : error;
  }

  async function readTensor(name: string, { tensor, stored, dtype }: PytorchEntry, target: WeightData): Promise<void> {
    try {
      const position = await stored.start();
      if (!isContiguous(tensor)) {
        await checksums.scan(stored);
        await readView(file, position, tensor, target);
        return;
      }
      const bytes = target.length * dtypes[dtype].bytes;
      const begin = position + tensor.offset * dtypes[dtype].bytes;
      if (bytes === stored.bytes) {
        await checksums.check(stored, (observe) => readElements(file, begin, dtype, target, observe));
      } else {
        await checksums.scan(stored);
        await readElements(file, begin, dtype, target);
      }
    } catch (error) {
      if (error instanceof WeightsError) throw new WeightsError(`Tensor "${name}": ${error.message}`, { cause: error });
      throw error;
    }
  }

  return {
    path,
    format: 'pytorch',
    entries,
    values,
    metadata: {},
    async read(name) {
      const entry = entryOf(path, entries, name);
      const data = allocate(path, entry.dtype, elementsOf(entry.shape));
      await readTensor(name, entry, data);
      return { dtype: entry.dtype, shape: entry.shape, data };
    },
    async readInto(name, target, offset = 0) {
      const entry = entryOf(path, entries, name);
      await readTensor(name, entry, targetOf(path, name, entry, target, offset));
    },
    close: () => file.close(),
  };
}

/** The folder inside the archive that holds its pickle. */
function rootOf(path: string, archive: ReadonlyMap<string, StoredEntry>): string {
  const roots = [...archive.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name)).map((name) => name.slice(0, -'/data.pkl'.length));
  if (roots.length !== 1) {
    throw new WeightsError(
      `${path} is a zip archive, but not one of torch.save: it holds ${roots.length} pickles called "data.pkl" in a folder, where there should be one. ` +
        'Save the weights with torch.save(model.state_dict(), "weights.pth").',
    );
  }
  const [root] = roots;
  if (archive.has(`${root}/constants.pkl`)) {
    throw new WeightsError(
      `${path} is a TorchScript archive, which holds a program. In Python, save its weights only: ` +
        `torch.save(torch.jit.load("model.pt").state_dict(), "weights.pth").`,
    );
  }
  return root;
}
