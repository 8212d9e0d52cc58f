import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { setDefault } from './pjrt/environment';

/**
 * NVIDIA's libraries that XLA's CUDA plugin opens by name, in an order in which each finds those it needs. They come as
 * Python packages of their own, whose folders the loader does not know: what is loaded already it finds by name.
 */
const nvidiaLibraries: readonly (readonly [folder: string, names: readonly string[]])[] = [
  ['cuda_runtime', ['libcudart.so.12']],
  ['cu13', ['libcudart.so.13']],
  ['cuda_nvrtc', ['libnvrtc.so.12']],
  ['cu13', ['libnvrtc.so.13']],
  ['nvjitlink', ['libnvJitLink.so.12']],
  ['cu13', ['libnvJitLink.so.13']],
  ['cublas', ['libcublasLt.so.12', 'libcublas.so.12']],
  ['cu13', ['libcublasLt.so.13', 'libcublas.so.13']],
  ['nccl', ['libnccl.so.2']],
  ['cuda_cupti', ['libcupti.so.12']],
  ['cu13', ['libcupti.so.13']],
  ['cusparse', ['libcusparse.so.12']],
  ['cu13', ['libcusparse.so.12']],
  ['cusolver', ['libcusolver.so.11']],
  ['cu13', ['libcusolver.so.12']],
  ['cufft', ['libcufft.so.11']],
  ['cu13', ['libcufft.so.12']],
  ['nvshmem', ['libnvshmem_host.so.3']],
  ['cudnn', ['libcudnn.so.9']],
];

/** koffi unloads a library whose object is collected. */
const loaded = new Map<string, LibraryHandle>();

/** `…/site-packages` of `…/site-packages/jax_plugins/xla_cuda13/xla_cuda_plugin.so`. */
const sitePackages = (plugin: string): string => dirname(dirname(dirname(plugin)));

/** Load NVIDIA's libraries that lie beside a plugin; those that are missing the plugin looks for by itself. */
export function loadNvidiaLibraries(plugin: string): void {
  if (basename(plugin) !== 'xla_cuda_plugin.so') return;
  for (const [folder, names] of nvidiaLibraries) {
    for (const name of names) {
      const path = join(sitePackages(plugin), 'nvidia', folder, 'lib', name);
      if (loaded.has(path) || !existsSync(path)) continue;
      try {
        loaded.set(path, koffi.load(path));
      } catch {
        // The plugin names what it cannot find.
      }
    }
  }
}

/** Folder with `bin/ptxas` and `nvvm/libdevice`, which XLA compiles with: `CUDA_ROOT`, or the one beside the plugin. */
export function cudaDataFolder(plugin: string): string | undefined {
  const folders = ['cu13', 'cuda_nvcc'].map((name) => join(sitePackages(plugin), 'nvidia', name));
  return [process.env['CUDA_ROOT'], ...folders].find((folder) => folder && existsSync(join(folder, 'bin', 'ptxas')));
}

/** Whether a TPU is attached to this machine. */
export const hasTpu = (): boolean => existsSync('/dev/accel0') || vfioDevices().length > 0;

function vfioDevices(): string[] {
  try {
    // `/dev/vfio/vfio` is there without any device.
    return readdirSync('/dev/vfio').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** libtpu on a machine without a TPU would ask the network what machine it is on. */
export function prepareTopologies(plugin: string): void {
  if (!/libtpu/.test(basename(plugin)) || hasTpu()) return;
  setDefault('TPU_SKIP_MDS_QUERY', '1');
  setDefault('TPU_ACCELERATOR_TYPE', 'v5litepod-4');
  setDefault('TPU_WORKER_HOSTNAMES', 'localhost');
  // It locks the TPU that is not there against other processes.
  setDefault('ALLOW_MULTIPLE_LIBTPU_LOAD', '1');
}
