import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Preprocessing } from '@dinov2/augment';
import { parse } from 'yaml';
import { z } from 'zod';

const settingsSchema = z.object({
  crops: z.object({ globalSize: z.number() }),
  knn: z.object({ crop: z.number().nullable(), resize: z.number().nullable() }),
});

/**
 * The preprocessing of weights in a run of `dinov2-pretrain`: that of the run's own evaluation, which its
 * report shows. Other weights keep theirs.
 */
export function runView(path: string, preprocessing: Preprocessing): Preprocessing {
  const folder = statSync(path).isDirectory() ? path : dirname(path);
  const file = join(folder, 'settings.yaml');
  if (!existsSync(file)) return preprocessing;
  const settings = settingsSchema.safeParse(parse(readFileSync(file, 'utf8')));
  if (!settings.success) return preprocessing;
  const { crops, knn } = settings.data;
  const side = knn.crop ?? crops.globalSize;
  // As dinov2-pretrain has it where nothing is said: the margin of DINOv2's evaluation, 256 to 224.
  const edge = knn.resize ?? Math.round((side * 256) / 224);
  return { ...preprocessing, resize: { shortestEdge: edge }, crop: { height: side, width: side } };
}
