import { existsSync } from 'node:fs';
import { type ImageSource, openRetrievalSet } from '@dinov2/data';
import type { RevisitedTruth } from '@dinov2/evaluation';
import { ProbeError } from '../error';
import { openLabelledData } from './labelled-data';

/** Queries, the pictures to find them among, and what is right. */
export interface RetrievalData {
  readonly path: string;
  readonly queries: ImageSource;
  readonly gallery: ImageSource;
  /** By the structure of the revisited Oxford and Paris sets; absent where classes say what is right. */
  readonly truth?: readonly RevisitedTruth[];
}

/** Open a ground truth file with its pictures, or labelled pictures: test images are the queries, training images the gallery. */
export function openRetrievalData({ data, groundTruth, test }: { readonly data?: string; readonly groundTruth?: string; readonly test: readonly string[] }): RetrievalData {
  if (groundTruth !== undefined) {
    if (test.length > 0) throw new ProbeError('--ground-truth names the queries; leave out --test');
    if (!existsSync(groundTruth)) throw new ProbeError(`no ground truth at ${groundTruth}; check the path`);
    const { queries, gallery, groundTruth: truth } = openRetrievalSet(groundTruth, data);
    return { path: groundTruth, queries, gallery, truth };
  }
  const { path, train, tests } = openLabelledData(data, test);
  if (tests.length > 1) throw new ProbeError('retrieval takes one set of queries; pass --test once, without a name');
  return { path, queries: tests[0]!.dataset, gallery: train };
}
