import { globalAveragePrecision, meanAveragePrecision, type RetrievalScores, retrieve, revisitedRetrieval } from '@dinov2/evaluation';
import { pickEngine } from '@dinov2/app-kit';
import type { FeatureTable } from '@dinov2/features';
import { ProbeError } from '../error';
import { evaluate } from '../evaluate';
import type { EvaluationOptions } from '../inputs/common';
import { tableOf } from '../inputs/extract';
import { openRetrievalData, type RetrievalData } from '../inputs/retrieval-data';
import { withSearchProgress } from '../inputs/search-progress';
import { type Query, queryGallery } from '../report/query-gallery';
import type { Metrics } from '../results/schema';

export interface RetrievalOptions extends EvaluationOptions {
  readonly test: readonly string[];
  /** JSON by the structure of the revisited Oxford and Paris sets; `data` is then the folder of its pictures. */
  readonly groundTruth?: string;
  /** Lengths of lists whose precision is told. */
  readonly kappas: readonly number[];
}

/** Queries in the report, and what is shown of each. */
const SHOWN = 12;
const FOUND = 8;

/** Instance retrieval by class tokens: mAP, and GAP where classes say what is right. */
export async function retrievalCommand(options: RetrievalOptions): Promise<void> {
  const kappas = [...new Set(options.kappas)].sort((a, b) => a - b);
  const data = openRetrievalData(options);
  const { engine } = await pickEngine(options);
  await evaluate(options, async () => ({
    command: 'retrieval',
    data: { path: data.path, queries: data.queries.paths.length, gallery: data.gallery.paths.length, relevance: data.truth === undefined ? 'same class' : 'revisited Oxford and Paris' },
    settings: { kappas, feature: 'class token of the last block, cosine' },
    async measure(subject) {
      const extractor = await subject.open({ classTokens: 1 });
      const [queries, gallery] = await (async () => {
        try {
          return [await tableOf(extractor, data.queries, 'queries', options), await tableOf(extractor, data.gallery, 'gallery', options)] as const;
        } finally {
          await extractor.dispose();
        }
      })();
      const { ranks, similarities } = await withSearchProgress(`${subject.name}, search`, (onProgress) => retrieve(queries.classTokens(), gallery.classTokens(), { engine, onProgress }));
      const judged = judge(data, queries, gallery, ranks, similarities, kappas);
      const shown = spreadOver(ranks.length, SHOWN);
      const rows: Query[] = shown.map((query) => ({
        path: queries.paths[query]!,
        caption: 'query',
        found: Array.from(ranks[query]!.subarray(0, FOUND), (row, i) => ({
          path: gallery.paths[row]!,
          caption: `${similarities[query]![i]!.toFixed(3)}`,
          right: judged.isRight(query, row),
        })),
      }));
      await Promise.all([queries.close(), gallery.close()]);
      return {
        metrics: judged.metrics,
        gallery: () => queryGallery('Queries', 'A query in blue and what was found first, with its cosine; green is right.', rows, options),
      };
    },
  }));
  await engine.dispose();
}

interface Judged {
  readonly metrics: Metrics;
  isRight(query: number, galleryRow: number): boolean;
}

function judge(data: RetrievalData, queries: FeatureTable, gallery: FeatureTable, ranks: readonly Int32Array[], similarities: readonly Float32Array[], kappas: readonly number[]): Judged {
  const metrics: Metrics = {};
  const add = (name: string, scores: RetrievalScores) => {
    metrics[`mAP${name}`] = finite(scores.meanAveragePrecision);
    for (const [kappa, value] of Object.entries(scores.meanPrecisionAt)) metrics[`precision at ${kappa}${name}`] = finite(value);
  };
  if (data.truth !== undefined) {
    const truth = data.truth;
    for (const [what, table, all] of [['queries', queries, data.queries], ['pictures', gallery, data.gallery]] as const) {
      // Its numbers are those of the file: leaving pictures out would shift them.
      if (table.count < all.paths.length) throw new ProbeError(`${all.paths.length - table.count} ${what} of ${data.path} cannot be read, the first is ${table.skipped[0]!.path}; the protocol needs all of them`);
    }
    for (const [name, scores] of Object.entries(revisitedRetrieval(ranks, truth, kappas))) add(`, ${name}`, scores);
    return { metrics, isRight: (query, row) => truth[query]!.easy.includes(row) || truth[query]!.hard.includes(row) };
  }
  const labelsOf = (table: FeatureTable, labels: Int32Array) => table.indices.map((index) => labels[index]!);
  const asked = labelsOf(queries, data.queries.labels);
  const there = labelsOf(gallery, data.gallery.labels);
  const positives = new Map<number, number[]>();
  there.forEach((label, row) => positives.set(label, [...(positives.get(label) ?? []), row]));
  add('', meanAveragePrecision(ranks, Array.from(asked, (label) => ({ positives: positives.get(label) ?? [] })), kappas));
  const { gap } = globalAveragePrecision(ranks.map((rank) => there[rank[0]!]!), similarities.map((row) => row[0]!), asked);
  metrics['GAP'] = gap;
  return { metrics, isRight: (query, row) => asked[query] === there[row] };
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** Up to `count` of the numbers from 0 to `total` − 1, evenly spread. */
function spreadOver(total: number, count: number): number[] {
  const shown = Math.min(total, count);
  return Array.from({ length: shown }, (_, i) => Math.floor((i * total) / shown));
}
