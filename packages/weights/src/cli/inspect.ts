import { openWeights } from '../files/open-weights';
import type { WeightsFile } from '../files/weights-file';
import { type LoadOptions, loadPretrained } from '../load-pretrained';
import { stage } from './stage';

/** Print what a file or folder holds. Every value is read, so that a damaged file is found out. */
export async function inspect(path: string, options: LoadOptions, print: (text: string) => void): Promise<void> {
  const file = await openWeights(path, options);
  const stored = describeFile(file);
  await file.close();
  const { summary } = await stage(`reading ${file.path}`, () => loadPretrained(path, { ...options, log: false }));
  print(`${summary}\n  ${stored}`);
}

/** Its format, and how many tensors it has of which type. */
function describeFile({ format, entries }: WeightsFile): string {
  const counts = new Map<string, number>();
  for (const { dtype } of entries.values()) counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  const types = [...counts].map(([dtype, count]) => `${count} ${dtype}`);
  return `stored: ${format === 'pytorch' ? 'PyTorch' : 'safetensors'}, ${entries.size} tensors (${types.join(', ')})`;
}
