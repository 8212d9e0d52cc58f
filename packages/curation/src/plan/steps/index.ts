import type { StepKind } from '../schema';
import type { StepRunner } from '../step';
import { balance } from './balance';
import { cluster } from './cluster';
import { exact } from './exact';
import { filter } from './filter';
import { relativeDeduplicate } from './relative-deduplicate';
import { retrieve } from './retrieve';
import { selfDeduplicate } from './self-deduplicate';

/** What does the work of each kind of step. */
export const stepRunners: { readonly [K in StepKind]: StepRunner<K> } = { filter, exact, selfDeduplicate, relativeDeduplicate, retrieve, cluster, balance };
