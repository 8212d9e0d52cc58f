import { join } from 'node:path';
import type { ImageSource, Span } from '@dinov2/data';
import { searchNeighbours } from '@dinov2/evaluation';
import { createExtractor, extractFeatures, type FeatureTable } from '@dinov2/features';
import { ProbeError } from '../error';
import type { NamedWeights } from '../inputs/weights';
import { type Layout, layOut } from './folder-map';
import { geometryOf, preprocessingForView } from './geometry';
import { PatchSearch } from './patch-search';
import type { ExtractionState, FolderMap, ModelState, NeighbourList } from './protocol';
import { quantiseRows, type QuantisedRows } from './quantise';

export interface ViewedModelOptions {
  readonly label: string;
  readonly source: ImageSource;
  readonly cache: string;
  /** Of the shorter side of what the network sees, in pixels. */
  readonly size?: number;
  readonly workers?: number;
  /** Bytes of memory for the search for patches. */
  readonly searchMemory: number;
  onChange(): void;
}

/** One file of weights and what it makes of a folder. */
export class ViewedModel {
  readonly geometry;
  private progress: ExtractionState = { status: 'waiting' };
  private table: FeatureTable | undefined;
  private search: PatchSearch | undefined;
  /** Row of each image in the table, −1 for none. */
  private readonly rows: Int32Array;
  private map: Promise<Layout> | undefined;
  private readonly preprocessing;
  private readonly ended = new AbortController();

  constructor(
    private readonly weights: NamedWeights,
    private readonly options: ViewedModelOptions,
  ) {
    this.preprocessing = preprocessingForView(weights, options.size);
    this.geometry = geometryOf(this.preprocessing);
    this.rows = new Int32Array(options.source.paths.length).fill(-1);
  }

  get state(): ModelState {
    const { embedDim, heads, registers, patchSize } = this.weights.pretrained.config;
    const { label } = this.options;
    return { label, name: this.weights.architecture, embedDim, heads, registers, patchSize, ...this.grid, progress: this.progress };
  }

  private get grid() {
    const { patchSize } = this.weights.pretrained.config;
    return { rows: this.geometry.height / patchSize, columns: this.geometry.width / patchSize };
  }

  /** Compute the features of the folder, or find them in the cache. `state` tells of a failure too. */
  async extract(): Promise<void> {
    const { source, cache, workers, onChange } = this.options;
    const { pretrained } = this.weights;
    try {
      this.change({ status: 'extracting', done: 0, total: source.paths.length, imagesPerSecond: 0, secondsLeft: 0 });
      const outputs = { classTokens: 1, patchTokens: [pretrained.config.depth - 1], attention: true };
      const extractor = await createExtractor({ ...pretrained, preprocessing: this.preprocessing }, outputs, { workers });
      try {
        this.table = await extractFeatures(extractor, source, {
          cache,
          signal: this.ended.signal,
          onProgress: ({ done, total, imagesPerSecond, secondsLeft }) => {
            this.progress = { status: 'extracting', done, total, imagesPerSecond, secondsLeft };
            onChange();
          },
        });
      } finally {
        await extractor.dispose();
      }
      this.table.indices.forEach((image, row) => (this.rows[image] = row));
      await this.fillSearch(this.table);
    } catch (error) {
      if (this.ended.signal.aborted) return;
      this.change({ status: 'failed', problem: (error as Error).message });
      throw error;
    }
  }

  /** Tokens of every image for the search, one after another so that clicks are answered in between. */
  private async fillSearch(table: FeatureTable): Promise<void> {
    const { paths, spans } = this.options.source;
    // By place: an image that stands twice in the source is read once.
    const place = (path: string, span: Span | undefined) => `${path} ${span?.offset}`;
    const reasons = new Map(table.skipped.map(({ path, span, reason }) => [place(path, span), reason]));
    const skipped = Array.from(this.rows.keys())
      .filter((image) => this.rows[image] === -1)
      .map((image) => ({ image, reason: reasons.get(place(paths[image]!, spans?.[image])) ?? 'not read' }));
    const { rows, columns } = this.grid;
    this.search = new PatchSearch({ patches: rows * columns, dimension: this.state.embedDim, maximumBytes: this.options.searchMemory });
    const ready = (searchable: number) => this.change({ status: 'ready', count: table.count, searchable, skipped, ...('map' in this.progress && { map: this.progress.map }) });
    ready(0);
    let told = performance.now();
    for (let row = 0; row < table.count; row++) {
      const { values } = await this.quantised(table, row);
      if (this.ended.signal.aborted) return;
      if (!(await this.search.add(values))) return;
      if (performance.now() - told > 250 || row === table.count - 1) {
        ready(row + 1);
        told = performance.now();
      }
    }
  }

  /** Patch tokens of an image; undefined if it has none. */
  async tokens(image: number): Promise<QuantisedRows | undefined> {
    const found = this.find(image);
    return found && this.quantised(found.table, found.row);
  }

  /** (heads, 1 + registers, rows, columns) attention of an image; undefined if it has none. */
  async attention(image: number): Promise<Float32Array | undefined> {
    const found = this.find(image);
    return found && ((await found.table.attention(found.row)).data as Float32Array);
  }

  /** Images most similar to one, itself first. */
  async neighboursOfImage(image: number, count: number): Promise<NeighbourList | undefined> {
    const found = this.find(image);
    if (found === undefined) return undefined;
    const started = performance.now();
    const { table, row } = found;
    const tokens = table.classTokens();
    const all = { data: tokens.data as Float32Array, shape: tokens.shape };
    const query = { data: all.data.subarray(row * all.shape[1]!, (row + 1) * all.shape[1]!), shape: [1, all.shape[1]!] };
    const { indices, similarities } = await searchNeighbours(query, all, Math.min(count, table.count));
    return {
      images: Array.from(indices, (neighbour) => table.indices[neighbour]!),
      similarities: Array.from(similarities),
      searched: table.count,
      milliseconds: performance.now() - started,
    };
  }

  /** Images with the patches most similar to a patch of an image, itself first. */
  async neighboursOfPatch(image: number, patch: number, count: number): Promise<NeighbourList | undefined> {
    const found = this.find(image);
    if (found === undefined || this.search === undefined) return undefined;
    const started = performance.now();
    const { values } = await this.quantised(found.table, found.row);
    const { embedDim } = this.state;
    const best = await this.search.search(values.slice(patch * embedDim, (patch + 1) * embedDim));
    const order = Array.from(best.similarities.keys())
      .sort((a, b) => best.similarities[b]! - best.similarities[a]! || a - b)
      .slice(0, count);
    return {
      images: order.map((row) => found.table.indices[row]!),
      similarities: order.map((row) => best.similarities[row]!),
      patches: order.map((row) => best.patches[row]!),
      searched: best.similarities.length,
      milliseconds: performance.now() - started,
    };
  }

  /** The folder on a plane; undefined until there are features. */
  async folderMap(): Promise<FolderMap | undefined> {
    const { table } = this;
    if (table === undefined) return undefined;
    const { data, shape } = table.classTokens();
    this.map ??= layOut({
      data: data as Float32Array,
      shape,
      cache: join(this.options.cache, 'maps'),
      signal: this.ended.signal,
      onProgress: (share) => {
        if (this.progress.status === 'ready') this.change({ ...this.progress, map: share });
      },
    });
    this.map.catch(() => (this.map = undefined)); // to be tried again
    const { method, places } = await this.map;
    return { method, images: Array.from(table.indices), places: Array.from(places) };
  }

  async close(): Promise<void> {
    this.ended.abort();
    await this.search?.close();
    await this.table?.close();
  }

  private async quantised(table: FeatureTable, row: number): Promise<QuantisedRows> {
    const { rows, columns } = this.grid;
    return quantiseRows((await table.patchTokens(row)).data as Float32Array, rows * columns);
  }

  private find(image: number): { table: FeatureTable; row: number } | undefined {
    const row = this.rows[image] ?? -1;
    return this.table === undefined || row < 0 ? undefined : { table: this.table, row };
  }

  private change(progress: ExtractionState): void {
    this.progress = progress;
    this.options.onChange();
  }
}

/** Names that tell files of weights from each other. */
export function labels(weights: readonly NamedWeights[]): string[] {
  const names = weights.map(({ name }) => name);
  if (new Set(names).size === names.length) return names;
  const paths = weights.map(({ path }) => path);
  if (new Set(paths).size < paths.length) throw new ProbeError(`--weights ${paths[0]} is named twice; name two different files to see them side by side`);
  return paths;
}
