// All comparisons with the programs of others, one after the other, and a summary.
//
//   node tests/interop/run.mjs --python PYTHON [--dinov2 CHECKOUT] [--dinov3 CHECKOUT] [--out FOLDER] [--quick]

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    dinov2: { type: 'string' },
    dinov3: { type: 'string' },
    out: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const pretrain = here('../../apps/pretrain/dist/main.js');
if (!existsSync(pretrain)) throw new Error('build first: npm run build');

const out = options.out ?? mkdtempSync(join(tmpdir(), 'interop-'));
mkdirSync(out, { recursive: true });
const checkouts = ['dinov2', 'dinov3'].flatMap((name) => (options[name] === undefined ? [] : [`--${name}`, options[name]]));
// The committed results are those of a whole run.
const results = (name) => (options.quick ? [] : ['--results', here(`results/${name}.json`)]);
mkdirSync(here('results'), { recursive: true });

const steps = [
  ['make weights and references', options.python, [here('make.py'), out, ...checkouts, ...(options.quick ? ['--quick'] : [])]],
  ['read .pth files', process.execPath, [here('pth.mjs'), out, ...results('pth')]],
  ['preprocess pictures', process.execPath, [here('pictures.mjs'), out, ...results('pictures')]],
  ['load weights', process.execPath, [here('load.mjs'), out, ...results('load')]],
  ['train a model', process.execPath, [pretrain, '--steps', '8', '--no-resume', '--out', join(out, 'run')]],
  ['write models, run them in Node', process.execPath, [here('out.mjs'), out, ...results('out')]],
  ['run them in Python', options.python, [here('check.py'), out, ...checkouts, ...results('check')]],
];
const summary = [];
for (const [title, program, args] of steps) {
  console.log(`\n${title}`);
  const start = performance.now();
  const { status } = spawnSync(program, args, { stdio: 'inherit' });
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  summary.push(`${status === 0 ? 'passed' : 'FAILED'}  ${title} (${seconds} s)`);
  if (status !== 0) process.exitCode = 1;
  if (status !== 0 && title.startsWith('make')) break;
}
console.log(`\n${summary.join('\n')}`);
if (options.out === undefined) rmSync(out, { recursive: true });
