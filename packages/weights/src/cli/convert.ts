import { mkdir, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { WeightsError } from '../errors';
import { writeSafetensors } from '../files/write-safetensors';
import { loadPretrained, type Pretrained } from '../load-pretrained';
import { exportOnnx, saveTransformersJs } from '../onnx';
import { saveBackbone } from '../save-backbone';
import { saveHuggingFace } from '../save-hugging-face';
import { type Conversion, UsageError } from './command-line';
import { stage } from './stage';

/** Where `loadPretrained` looks for the heads of a backbone in a file of its own. */
const backboneFile = 'backbone.safetensors';
const headsFile = 'heads.safetensors';

/** Load weights and write them in another form. */
export async function convert(conversion: Conversion, print: (text: string) => void): Promise<void> {
  const { path, out, to, precisions, options } = conversion;
  await checkOut(conversion);
  const model = await stage(`reading ${path}`, () => loadPretrained(path, { ...options, log: false }));
  print(model.summary);
  if (options.heads && model.heads === undefined) {
    throw new WeightsError(`${path} has no projection heads; leave out --heads.`);
  }
  await stage(`writing ${out}`, async () => {
    switch (to) {
      case 'huggingface':
        return saveHuggingFace(out, model, { log: print });
      case 'transformers.js':
        return saveTransformersJs(out, model, { precisions, log: print });
      case 'onnx':
        await makeParent(out);
        return exportOnnx(out, model, { precision: precisions[0]! });
      case 'safetensors':
        await makeParent(out);
        if (model.heads !== undefined) await saveHeads(headsPath(out), model.heads);
        return saveBackbone(out, model);
    }
  });
}

async function makeParent(out: string): Promise<void> {
  try {
    await mkdir(dirname(out), { recursive: true });
  } catch (error) {
    throw new WeightsError(`Cannot write ${out}: ${(error as Error).message}. Check the path and its permissions.`, { cause: error });
  }
}

const headsPath = (out: string): string => join(dirname(out), headsFile);

async function saveHeads(path: string, heads: NonNullable<Pretrained['heads']>): Promise<void> {
  const tensors = Object.entries(heads).flatMap(([head, parameters]) =>
    Object.entries(parameters).map(([name, tensor]) => [`${head}_head.${name}`, tensor] as const),
  );
  await writeSafetensors(path, Object.fromEntries(tensors), { format: 'pt' });
}

/** Before anything is read: OUT must be of the right kind, and not be there already. */
async function checkOut({ path, out, to, options, force }: Conversion): Promise<void> {
  const isFolder = await isDirectory(out);
  if (to === 'huggingface' || to === 'transformers.js') {
    if (isFolder === false) throw new UsageError(`${out} is a file; --to ${to} writes a folder`);
    if (isFolder && !force && (await readdir(out)).length > 0) throw exists(out, 'is not empty');
    return;
  }
  if (isFolder) throw new UsageError(`${out} is a folder; --to ${to} writes a file: ${join(out, to === 'onnx' ? 'model.onnx' : backboneFile)}`);
  if (resolve(path) === resolve(out)) throw new UsageError(`${out} is the file to read; name another to write`);
  if (options.heads && basename(out) !== backboneFile) {
    throw new UsageError(`heads are looked for in ${headsFile} beside ${backboneFile}; with --heads name OUT ${join(dirname(out), backboneFile)}`);
  }
  const files = options.heads ? [out, headsPath(out)] : [out];
  for (const file of files) if (!force && (await isDirectory(file)) !== undefined) throw exists(file, 'is there already');
}

const exists = (path: string, how: string): Error => new UsageError(`${path} ${how}; pass --force to overwrite it`);

/** Nothing where there is no such path. */
async function isDirectory(path: string): Promise<boolean | undefined> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    // ENOTDIR: a file is where a folder would have to be, of which writing tells.
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
