import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CurationError } from '../error';

/** Where the built `describe-image` is. */
export function describeModule(): URL {
  // Beside the built package, or, when the sources run, in the folder it is built to.
  const file = ['./embed/describe-image.js', '../../dist/embed/describe-image.js']
    .map((path) => new URL(path, import.meta.url))
    .find((url) => existsSync(fileURLToPath(url)));
  if (file === undefined) throw new CurationError('@dinov2/curation is not built; run `npm run build` first');
  return file;
}
