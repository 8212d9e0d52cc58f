import { Worker } from 'node:worker_threads';
import { builtFile } from './built-file';
import type { BestPatches } from './patch-table';

export type SearchRequest =
  | { readonly kind: 'open'; readonly patches: number; readonly dimension: number; readonly maximumBytes: number }
  | { readonly kind: 'add'; readonly id: number; readonly values: Int8Array }
  | { readonly kind: 'search'; readonly id: number; readonly query: Int8Array };

export type SearchReply =
  | { readonly id: number; readonly added: boolean }
  | { readonly id: number; readonly found: BestPatches; readonly milliseconds: number };

/** Answers which patches of a folder are most similar to one, in a thread that holds the tokens of all. */
export class PatchSearch {
  private readonly worker = new Worker(builtFile('patch-search-worker.js'));
  private readonly waiting = new Map<number, { resolve(reply: SearchReply): void; reject(error: Error): void }>();
  private nextId = 0;

  /** @param maximumBytes - of memory for tokens. */
  constructor({ patches, dimension, maximumBytes }: { readonly patches: number; readonly dimension: number; readonly maximumBytes: number }) {
    this.worker.unref();
    this.worker.on('message', (reply: SearchReply) => {
      this.waiting.get(reply.id)?.resolve(reply);
      this.waiting.delete(reply.id);
    });
    this.worker.on('error', (error) => this.fail(error));
    this.worker.on('exit', () => this.fail(new Error('the search has been closed')));
    this.post({ kind: 'open', patches, dimension, maximumBytes });
  }

  /** Take in one image's tokens. `false` if memory is full. */
  async add(values: Int8Array): Promise<boolean> {
    const reply = await this.ask((id) => ({ kind: 'add', id, values }));
    return 'added' in reply && reply.added;
  }

  /** The best patch of every image that was added, in the order in which they were. */
  async search(query: Int8Array): Promise<BestPatches> {
    const reply = await this.ask((id) => ({ kind: 'search', id, query }));
    if (!('found' in reply)) throw new Error('the search gave no answer');
    return reply.found;
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }

  private ask(request: (id: number) => SearchRequest): Promise<SearchReply> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.post(request(id));
    });
  }

  private post(request: SearchRequest): void {
    this.worker.postMessage(request);
  }

  private fail(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
