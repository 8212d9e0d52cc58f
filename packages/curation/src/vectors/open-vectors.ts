import { openParquetVectors } from '../tables';
import { openNpy } from './open-npy';
import type { Vectors } from './vectors';

/**
 * The rows of a .npy file, or those of the `embedding` column of a Parquet file or of a folder of Parquet files, read as
 * they are asked for.
 *
 * @throws CurationError when there is no such file or it is none of these
 */
export async function openVectors(path: string): Promise<Vectors> {
  return path.endsWith('.npy') ? openNpy(path) : openParquetVectors(path);
}
