// Builds the test-only PJRT plugin over the CPU client of a TensorFlow wheel:
//   node tests/pjrt-cpu/build.mjs --python <python with tensorflow-cpu 2.21>
// Only what changed is compiled again. Prints the path of the library.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

const here = path.dirname(fileURLToPath(import.meta.url));
const buildFolder = path.join(here, 'build');
const library = path.join(buildFolder, 'pjrt_cpu.so');
const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
// XLA's headers include these two, and the wheel leaves them out.
const debianPackages = {
  '/usr/include/farmhash.h': 'libfarmhash-dev',
  '/usr/include/highwayhash/highwayhash.h': 'libhighwayhash-dev',
};

function fail(message) {
  console.error(message);
  process.exit(1);
}

function wheelFolder(python) {
  const find = "import importlib.util as u; s = u.find_spec('tensorflow'); print(s.submodule_search_locations[0] if s else '')";
  let folder;
  try {
    folder = execFileSync(python, ['-c', find], { encoding: 'utf8' }).trim();
  } catch (error) {
    fail(`${python} does not run: ${error.message}`);
  }
  const parts = ['include/xla/pjrt/c/pjrt_c_api.h', ...libraries];
  if (folder === '' || parts.some((part) => !existsSync(path.join(folder, part)))) {
    fail(`${python} has no TensorFlow wheel with XLA's headers; ${python} -m pip install tensorflow-cpu==2.21.0`);
  }
  return folder;
}

function checkCompiler() {
  const missing = Object.keys(debianPackages)
    .filter((header) => !existsSync(header))
    .map((header) => debianPackages[header]);
  try {
    execFileSync('g++', ['--version'], { stdio: 'ignore' });
  } catch {
    missing.unshift('g++');
  }
  if (missing.length > 0) fail(`the build needs ${missing.join(', ')}: apt-get install ${missing.join(' ')}`);
}

function modified(file) {
  return existsSync(file) ? statSync(file).mtimeMs : 0;
}

/** The local headers that a source includes, itself first. */
function withHeaders(file, seen = new Set()) {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, name] of readFileSync(file, 'utf8').matchAll(/^#include "(src\/[^"]+)"/gm)) {
    withHeaders(path.join(here, name), seen);
  }
  return seen;
}

const { values } = parseArgs({ options: { python: { type: 'string', default: 'python3' } } });
checkCompiler();
const wheel = wheelFolder(values.python);
mkdirSync(buildFolder, { recursive: true });

const flags = [
  '-std=c++17',
  '-O1',
  '-fPIC',
  '-fvisibility=hidden',
  '-DNDEBUG',
  '-w',
  `-I${path.join(here, 'shim')}`,
  `-I${here}`,
  ...['include', 'include/external/llvm-project/mlir/include'].map(
    (folder) => `-I${path.join(wheel, folder)}`,
  ),
];
const stamp = path.join(buildFolder, 'flags.txt');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== flags.join('\n')) {
  writeFileSync(stamp, flags.join('\n'));
}

const run = promisify(execFile);
const sources = readdirSync(path.join(here, 'src')).filter((name) => name.endsWith('.cc'));
const objectOf = (source) => path.join(buildFolder, source.replace(/\.cc$/, '.o'));
const stale = sources.filter((source) => {
  const newest = Math.max(modified(stamp), ...[...withHeaders(path.join(here, 'src', source))].map(modified));
  return modified(objectOf(source)) < newest;
});

async function compileNext() {
  for (let source = stale.shift(); source !== undefined; source = stale.shift()) {
    console.error(`compiling ${source}`);
    await run('g++', [...flags, '-c', path.join(here, 'src', source), '-o', objectOf(source)]);
  }
}

try {
  await Promise.all(Array.from({ length: availableParallelism() }, compileNext));
  const objects = sources.map(objectOf);
  if (modified(library) < Math.max(...objects.map(modified))) {
    // Under a name of its own first: tests may have the old one open.
    const fresh = `${library}.${process.pid}`;
    await run('g++', [
      '-shared',
      '-o',
      fresh,
      ...objects,
      ...libraries.map((name) => path.join(wheel, name)),
      `-Wl,-rpath,${wheel}`,
      '-Wl,--no-undefined',
    ]);
    renameSync(fresh, library);
  }
} catch (error) {
  fail(error.stderr || error.message);
}
console.log(library);
