import { qualityColumnNames } from '../quality';
import type { TableSchema } from '../tables';

/** Numbers of {@link qualityColumnNames} that have a column of their own kind. */
const sizes = ['width', 'height'];

/** Names of the columns that hold an image's quality as float32. */
export const qualityNames = qualityColumnNames.filter((name) => !sizes.includes(name));

/** Columns of a part of the embeddings of a set of images. */
export function embeddingSchema(precision: 'float16' | 'float32', width: number): TableSchema {
  return {
    id: { type: 'uint32' },
    path: { type: 'string' },
    offset: { type: 'int64', nullable: true },
    length: { type: 'int64', nullable: true },
    label: { type: 'string', nullable: true },
    width: { type: 'uint32' },
    height: { type: 'uint32' },
    bytes: { type: 'uint32' },
    sha256: { type: 'string' },
    phash: { type: 'uint64' },
    ...Object.fromEntries(qualityNames.map((name) => [name, { type: 'float32' as const }])),
    embedding: { type: precision, width },
  };
}

/** Columns of the list of images that cannot be used. */
export const failedSchema: TableSchema = {
  id: { type: 'uint32' },
  path: { type: 'string' },
  offset: { type: 'int64', nullable: true },
  length: { type: 'int64', nullable: true },
  reason: { type: 'string' },
};
