#!/usr/bin/env node
// Builds the addon of an installed @tensorflow/tfjs-node or tfjs-node-gpu against the library and headers inside a
// TensorFlow Python wheel. See the README of @dinov2/engine-tensorflow.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const usage = `Usage: dinov2-build-tfjs-node [--python python3] [--package folder] [--headers folder] [--compiler c++]

  --python    Python that has the wheel: tensorflow, tensorflow-cpu, … (default: python3)
  --package   folder of @tensorflow/tfjs-node or tfjs-node-gpu, installed with --ignore-scripts
              (default: $DINOV2_TFJS_NODE, else the one installed here, tfjs-node-gpu first)
  --headers   folder with node_api.h (default: beside this Node, or the package node-api-headers)
  --compiler  C++ compiler for C++17 (default: $CXX, else c++)`;

class BuildError extends Error {}

const here = createRequire(join(process.cwd(), 'index.js'));
const locate = (name) => {
  try {
    return dirname(here.resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
};

function packageFolder(given) {
  const folder = given ?? locate('@tensorflow/tfjs-node-gpu') ?? locate('@tensorflow/tfjs-node');
  if (folder === undefined) {
    throw new BuildError('no tfjs-node is installed here. Run `npm install --ignore-scripts @tensorflow/tfjs-node@4.22.0` (or tfjs-node-gpu), or pass --package.');
  }
  if (!existsSync(join(folder, 'binding', 'tfjs_backend.cc'))) {
    throw new BuildError(`${resolve(folder)} is not the folder of @tensorflow/tfjs-node or tfjs-node-gpu: it has no binding/tfjs_backend.cc.`);
  }
  return resolve(folder);
}

/** Folder and version of the wheel, found without loading it. */
function wheel(python) {
  const script = [
    'import importlib.util, importlib.metadata as metadata, json',
    'spec = importlib.util.find_spec("tensorflow")',
    'names = metadata.packages_distributions().get("tensorflow", []) if hasattr(metadata, "packages_distributions") else []',
    'print(json.dumps([list(spec.submodule_search_locations)[0], metadata.version(names[0]) if names else ""] if spec else None))',
  ].join('\n');
  let answer;
  try {
    answer = JSON.parse(execFileSync(python, ['-c', script], { encoding: 'utf8' }));
  } catch (error) {
    throw new BuildError(`${python} does not run: ${error.message}`);
  }
  if (answer === null) throw new BuildError(`${python} has no tensorflow. Run \`${python} -m pip install tensorflow\` (tensorflow-cpu without a GPU, tensorflow[and-cuda] with one).`);
  const [folder, version] = answer;
  const files = readdirSync(folder);
  const library = (name) => files.find((file) => file.startsWith(`lib${name}.`) && /\.(so|dylib)(\.|$)/.test(file));
  const [cc, framework] = ['tensorflow_cc', 'tensorflow_framework'].map(library);
  const header = join(folder, 'include', 'tensorflow', 'c', 'eager', 'c_api.h');
  if (cc === undefined || framework === undefined || !existsSync(header)) {
    throw new BuildError(`the tensorflow in ${folder} holds no libtensorflow_cc, libtensorflow_framework and headers. Recent wheels for Linux and macOS do (2.21 is tested); install one of them.`);
  }
  return { folder, version, libraries: [cc, framework] };
}

function nodeHeaders(given) {
  const api = locate('node-api-headers');
  const candidates = given
    ? [given]
    : [resolve(process.execPath, '../../include/node'), '/usr/include/node', '/usr/include/nodejs/src', ...(api ? [join(api, 'include')] : [])];
  const found = candidates.find((folder) => existsSync(join(folder, 'node_api.h')));
  if (found === undefined) {
    throw new BuildError(`no node_api.h in ${candidates.join(', ')}. Run \`npm install node-api-headers\`, or pass --headers.`);
  }
  return found;
}

/** CUDA's libraries, where they came with the wheel as packages of their own. */
function cudaFolders(site) {
  const nvidia = join(site, 'nvidia');
  if (!existsSync(nvidia)) return [];
  return readdirSync(nvidia).map((name) => join(nvidia, name, 'lib')).filter((folder) => existsSync(folder));
}

function build({ python, folder, headers, compiler }) {
  if (process.platform === 'win32') throw new BuildError('on Windows the wheel has no library to link with; build inside WSL.');
  const tensorflow = wheel(python);
  const { binary, name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  // The version that tfjs-node will look for.
  const napi = Math.max(...binary.napi_versions.filter((candidate) => candidate <= Number(process.versions.napi)));
  const output = join(folder, 'lib', `napi-v${napi}`, 'tfjs_binding.node');
  mkdirSync(dirname(output), { recursive: true });
  const paths = [tensorflow.folder, ...cudaFolders(dirname(tensorflow.folder))];
  const mac = process.platform === 'darwin';
  const args = [
    '-std=c++17', '-O2', '-fPIC', `-DNAPI_VERSION=${napi}`,
    ...(mac ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-Wl,--disable-new-dtags']),
    `-I${headers}`, `-I${join(tensorflow.folder, 'include')}`,
    join(folder, 'binding', 'tfjs_backend.cc'), join(folder, 'binding', 'tfjs_binding.cc'),
    '-o', output,
    ...tensorflow.libraries.map((library) => join(tensorflow.folder, library)),
    ...paths.map((path) => `-Wl,-rpath,${path}`),
  ];
  console.log(`Building ${name} ${version} against TensorFlow ${tensorflow.version} in ${tensorflow.folder}`);
  const { status, error } = spawnSync(compiler, args, { stdio: 'inherit' });
  if (error) throw new BuildError(`the compiler ${compiler} does not run: ${error.message}. Install one (Debian: apt-get install g++) or pass --compiler.`);
  if (status !== 0) throw new BuildError(`${compiler} ended with status ${status}; what it says is above.`);
  return { output, name };
}

/** Load it in a process of its own and compute something, gradients included. */
function check(folder) {
  const script = `const util = require('util'); util.isNullOrUndefined ??= (x) => x == null; util.isArray ??= Array.isArray;
    const tf = require(${JSON.stringify(folder)});
    const [value] = tf.grad((x) => tf.sum(tf.square(x)))(tf.tensor1d([3])).dataSync();
    if (value !== 6) throw new Error('the gradient of x² at 3 is ' + value);
    const backend = tf.backend();
    console.log('It runs: TensorFlow ' + backend.binding.TF_Version + (backend.isUsingGpuDevice ? ' on a GPU.' : ' on the CPU.'));`;
  const { status } = spawnSync(process.execPath, ['-e', script], { stdio: 'inherit', env: { TF_CPP_MIN_LOG_LEVEL: '2', ...process.env } });
  if (status !== 0) throw new BuildError('the addon was built and does not run; what it says is above.');
}

try {
  const { values } = parseArgs({
    options: {
      python: { type: 'string', default: 'python3' },
      package: { type: 'string', default: process.env.DINOV2_TFJS_NODE },
      headers: { type: 'string' },
      compiler: { type: 'string', default: process.env.CXX ?? 'c++' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(usage);
  } else {
    const folder = packageFolder(values.package);
    const { output, name } = build({ python: values.python, folder, headers: nodeHeaders(values.headers), compiler: values.compiler });
    check(folder);
    console.log(`Wrote ${output}`);
    if (locate(name) !== folder) console.log(`Tell programs where it is: export DINOV2_TFJS_NODE=${folder}`);
  }
} catch (error) {
  if (!(error instanceof BuildError) && error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw error;
  console.error(`${basename(process.argv[1])}: ${error.message}`);
  process.exitCode = 1;
}
