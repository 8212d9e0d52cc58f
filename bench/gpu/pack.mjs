// Packs everything that the measurement needs on a machine with a GPU: one archive, to be unpacked anywhere.
//
//   npm run build && node bench/gpu/pack.mjs [--node PATH] [--out DIR]
//
// Writes dist/dinov2-gpu.tar.gz (for Linux on x86-64 with glibc): the programs in this folder and the packages they use
// as a few files, the two packages with native parts, sample pictures, and Node itself without its symbols. There:
//
//   tar xzf dinov2-gpu.tar.gz && dinov2-gpu/run.sh --models s,b
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const { values } = parseArgs({
  options: {
    node: { type: 'string', default: process.execPath },
    out: { type: 'string', default: fileURLToPath(new URL('dist/', import.meta.url)) },
  },
});
const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const programs = ['ours', 'feed', 'track', 'parity', 'run'];
const native = ['koffi', 'sharp'];
/** As much as a machine that fetches nothing is likely to be handed. */
const largestBytes = 64 * 2 ** 20;

const work = mkdtempSync(join(tmpdir(), 'pack-'));
try {
  const folder = join(work, 'dinov2-gpu');
  mkdirSync(folder);
  await bundle(folder);
  for (const name of native) copyPackage(name, join(folder, 'node_modules'), root);
  for (const name of ['torch_step.py', 'run.sh']) cpSync(join(here, name), join(folder, name));
  cpSync(join(root, 'apps/pretrain/sample/pictures'), join(folder, 'pictures'), { recursive: true });
  // The decoding threads' file ends in .js.
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  copyNode(join(folder, 'node'));

  const archive = join(values.out, 'dinov2-gpu.tar.gz');
  mkdirSync(values.out, { recursive: true });
  execFileSync('tar', ['--use-compress-program=gzip -9', '-cf', archive, '-C', work, 'dinov2-gpu']);
  const { size } = statSync(archive);
  if (size > largestBytes) throw new Error(`${archive} has ${size} bytes, more than ${largestBytes}; leave something out`);
  console.log(`${archive}: ${(size / 2 ** 20).toFixed(1)} MiB`);
} finally {
  rmSync(work, { recursive: true });
}

/** The programs and our packages, from their sources, as modules that need the native packages only. */
async function bundle(folder) {
  const packages = readdirSync(join(root, 'packages'));
  const alias = Object.fromEntries(packages.map((name) => [`@dinov2/${name}`, join(root, 'packages', name, 'src/index.ts')]));
  const common = {
    outdir: folder, bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node20', alias, logLevel: 'warning', logOverride: { 'empty-import-meta': 'silent' },
    external: [...native, 'onnxruntime-node', 'ioredis'],
    // CommonJS packages inside ask for Node's modules.
    banner: { js: "import { createRequire as createRequireOf } from 'node:module'; const require = createRequireOf(import.meta.url);" },
  };
  await build({ ...common, entryPoints: programs.map((name) => join(here, `${name}.mjs`)), outExtension: { '.js': '.mjs' } });
  // The decoding threads start from a file of this name.
  await build({ ...common, entryPoints: [join(root, 'packages/data/src/worker.ts')], splitting: false });
}

/** A package and what it depends on, for Linux on x86-64; parts for other systems are not installed here or left out. */
function copyPackage(name, target, from) {
  const source = findPackage(name, from);
  if (source === undefined || existsSync(join(target, name))) return;
  const description = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  const unneeded = /\/(node_modules|vendor|doc|musl_x64)(\/|$)|\.(md|d\.ts|map|cc|hh|h|S|asm|inc)$/;
  cpSync(source, join(target, name), {
    recursive: true,
    dereference: true,
    filter: (path) => !unneeded.test(path.slice(source.length).split(sep).join('/')),
  });
  for (const other of Object.keys({ ...description.dependencies, ...description.optionalDependencies })) copyPackage(other, target, source);
}

function findPackage(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

/** Node's own binary, which has to stand alone: some distributions split it into a small one and a library. */
function copyNode(path) {
  cpSync(values.node, path);
  execFileSync('strip', [path]);
  const libraries = execFileSync('ldd', [path], { encoding: 'utf8' });
  if (/libnode|libuv|libicu|libssl/.test(libraries)) {
    throw new Error(`${values.node} needs libraries of this system; pass --node with the binary of nodejs.org's archive`);
  }
  console.log(execFileSync(path, ['--version'], { encoding: 'utf8', env: {} }).trim());
}
