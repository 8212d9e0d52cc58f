import { execFile } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { hasTpu } from './prepare-plugin';

export type PluginKind = 'cuda' | 'rocm' | 'tpu' | 'other';

/** A plugin of this machine, or one that it could have. */
export interface FoundPlugin {
  readonly kind: PluginKind;
  /** What to pass to `xlaEngine`; absent where nothing is installed. */
  readonly path?: string;
  /** Version of the Python package that it came with. */
  readonly version?: string;
  readonly usable: boolean;
  /** Why it is not usable. */
  readonly reason?: string;
  /** What would make it usable: a command, where one does. */
  readonly remedy?: string;
}

export interface FindPluginsOptions {
  /** Python environments or their `site-packages` to look in, before those that are found. */
  readonly folders?: readonly string[];
}

interface Kind {
  /** Files of a plugin in `site-packages`, with the name of their Python package. */
  readonly find: (site: string) => { path: string; package: RegExp }[];
  readonly hasDevice: () => boolean;
  readonly device: string;
  readonly install: string;
  readonly attach: string;
}

const entries = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

/** `site-packages/jax_plugins/xla_<name><digits>/<file>`, which the wheel `jax-<name><digits>-pjrt` puts there. */
const jaxPlugins = (site: string, name: string, file: string) =>
  entries(join(site, 'jax_plugins')).flatMap((folder) => {
    const [, digits] = new RegExp(`^xla_${name}(\\d*)$`).exec(folder) ?? [];
    const path = join(site, 'jax_plugins', folder, file);
    return digits !== undefined && existsSync(path) ? [{ path, package: new RegExp(`^jax_${name}${digits}_pjrt-(.+)\\.dist-info$`) }] : [];
  });

const kinds: Readonly<Record<Exclude<PluginKind, 'other'>, Kind>> = {
  cuda: {
    find: (site) => jaxPlugins(site, 'cuda', 'xla_cuda_plugin.so'),
    // WSL has another device file.
    hasDevice: () => ['/dev/nvidia0', '/dev/nvidiactl', '/dev/dxg'].some(existsSync),
    device: 'NVIDIA GPU (/dev/nvidia*)',
    install: 'pip install "jax[cuda13]"',
    attach: 'use a machine or container with an NVIDIA GPU and its driver (docker run --gpus all …)',
  },
  rocm: {
    find: (site) => jaxPlugins(site, 'rocm', 'xla_rocm_plugin.so'),
    hasDevice: () => existsSync('/dev/kfd'),
    device: 'AMD GPU (/dev/kfd)',
    install: 'pip install "jax[rocm7-local]"',
    attach: 'use a machine or container with an AMD GPU and its driver (docker run --device /dev/kfd --device /dev/dri …)',
  },
  tpu: {
    find: (site) => {
      const path = join(site, 'libtpu', 'libtpu.so');
      return existsSync(path) ? [{ path, package: /^libtpu(?:_nightly)?-(.+)\.dist-info$/ }] : [];
    },
    hasDevice: hasTpu,
    device: 'TPU (/dev/accel*, /dev/vfio/*)',
    install: 'pip install libtpu',
    attach: 'use a TPU machine; without one, compileAheadOfTime() compiles for TPUs that are elsewhere',
  },
};

/**
 * The PJRT plugins that this machine has, those that are usable first: the one that `DINOV2_PJRT_PLUGIN` names, and those
 * of Python packages in the folders given, the active environment (`VIRTUAL_ENV`, `CONDA_PREFIX`) and that of `python3`.
 * For each kind of accelerator without a plugin there is an entry that says how to get one. Never rejects.
 *
 * @example
 * ```ts
 * for (const { kind, path, usable, remedy } of await findPlugins()) console.log(kind, path, usable, remedy);
 * ```
 */
export async function findPlugins({ folders = [] }: FindPluginsOptions = {}): Promise<FoundPlugin[]> {
  const named = process.env['DINOV2_PJRT_PLUGIN'];
  const found: FoundPlugin[] = named ? [fromFile(named)] : [];
  const seen = new Set(found.map(({ path }) => path && real(path)));
  for (const site of await sitePackages(folders)) {
    for (const [kind, { find }] of Object.entries(kinds) as [keyof typeof kinds, Kind][]) {
      for (const { path, package: wheel } of find(site)) {
        if (seen.has(real(path))) continue;
        seen.add(real(path));
        const version = entries(site).map((name) => wheel.exec(name)?.[1]).find((match) => match !== undefined);
        found.push({ kind, path, ...(version !== undefined && { version }), ...usability(kind) });
      }
    }
  }
  for (const kind of Object.keys(kinds) as (keyof typeof kinds)[]) {
    if (!found.some((plugin) => plugin.kind === kind)) found.push(notInstalled(kind));
  }
  return found.sort((a, b) => Number(b.usable) - Number(a.usable));
}

const real = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
};

function usability(kind: keyof typeof kinds): Pick<FoundPlugin, 'usable' | 'reason' | 'remedy'> {
  const { hasDevice, device, attach } = kinds[kind];
  return hasDevice() ? { usable: true } : { usable: false, reason: `this machine has no ${device}`, remedy: attach };
}

function notInstalled(kind: keyof typeof kinds): FoundPlugin {
  const { hasDevice, device, install } = kinds[kind];
  const reason = hasDevice() ? `this machine has a ${device}, and no Python environment with its plugin was found` : `no plugin is installed, and this machine has no ${device}`;
  return { kind, usable: false, reason, remedy: install };
}

function fromFile(path: string): FoundPlugin {
  const name = basename(path);
  const kind = name.includes('cuda') ? 'cuda' : name.includes('rocm') ? 'rocm' : name.includes('tpu') ? 'tpu' : 'other';
  if (!existsSync(path)) {
    return { kind, path, usable: false, reason: `DINOV2_PJRT_PLUGIN names ${path}, which does not exist`, remedy: 'unset DINOV2_PJRT_PLUGIN' };
  }
  return { kind, path, ...(kind === 'other' ? { usable: true } : usability(kind)) };
}

/** Folders in which Python packages may lie, without repetition. */
async function sitePackages(folders: readonly string[]): Promise<string[]> {
  const environments = [...folders, process.env['VIRTUAL_ENV'], process.env['CONDA_PREFIX']].filter((folder): folder is string => folder !== undefined && folder !== '');
  const sites = environments.flatMap((folder) => [
    folder,
    ...entries(join(folder, 'lib'))
      .filter((name) => /^python3/.test(name))
      .map((name) => join(folder, 'lib', name, 'site-packages')),
  ]);
  return [...new Set([...sites, ...(await pythonSites())].map(real))];
}

/** Where `python3` on the path looks for packages. */
async function pythonSites(): Promise<string[]> {
  const program = 'import json, site; print(json.dumps([*site.getsitepackages(), site.getusersitepackages()]))';
  try {
    const { stdout } = await promisify(execFile)('python3', ['-c', program], { timeout: 5000 });
    return JSON.parse(stdout) as string[];
  } catch {
    return [];
  }
}
