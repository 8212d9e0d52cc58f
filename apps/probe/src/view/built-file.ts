import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ProbeError } from '../error';

/** A file of the build by its name: beside the program, or, when the sources run, in the folder they are built to. */
export function builtFile(name: string): string {
  const file = [`./${name}`, `../../dist/${name}`].map((path) => fileURLToPath(new URL(path, import.meta.url))).find((path) => existsSync(path));
  if (file === undefined) throw new ProbeError(`${name} of the viewer is not built; run \`npm run build\` first`);
  return file;
}
