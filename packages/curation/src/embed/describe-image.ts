import type { Describe } from '@dinov2/data';
import { contentHash, perceptualHash } from '../hashes';
import { type QualityColumns, qualityColumns } from '../quality';

/** What an image shows without a network. */
export interface ImageDescription {
  /** Length of the encoded image. */
  readonly bytes: number;
  readonly sha256: string;
  readonly phash: bigint;
  readonly quality: QualityColumns;
}

/** Run by the decoding threads, so that every image is decoded once. */
export const describe: Describe<ImageDescription> = (image, bytes) => ({
  bytes: bytes.length,
  sha256: contentHash(bytes),
  phash: perceptualHash(image),
  quality: qualityColumns(image),
});
