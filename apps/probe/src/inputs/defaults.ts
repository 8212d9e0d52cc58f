import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProbeError } from '../error';

/** Run that `npm run pretrain` makes of the shipped sample. */
const sampleRun = join('runs', 'sample');

/** Beside both src/inputs and the built dist/: the folder that holds package.json. */
function packageRoot(): string {
  let folder = fileURLToPath(new URL('.', import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = join(folder, '..');
  return folder;
}

/** The shipped sample, in a checkout or beside an installed `@dinov2/pretrain`. */
export function sampleFolder(): string {
  const folder = join(packageRoot(), '..', 'pretrain', 'sample');
  if (!existsSync(folder)) throw new ProbeError('no data: pass --data DIR; the sample comes with a checkout or with @dinov2/pretrain');
  return folder;
}

/** What to probe where nothing is named. */
export function defaultWeights(): string {
  if (!existsSync(sampleRun)) {
    throw new ProbeError(`no weights: pass --weights PATH (a run, a Hugging Face folder, .safetensors or .pth), or run \`npm run pretrain\` first, which makes ${sampleRun}`);
  }
  return sampleRun;
}

/** Where features are kept between commands. */
export function defaultCache(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'dinov2-ts', 'features');
}
