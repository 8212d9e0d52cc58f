import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Hosts } from '@dinov2/jit';
import { EngineError } from '../errors';
import { below, type KeyValueStore } from './key-value-store';

export interface DistributedOptions {
  /** Number of this process, from 0. */
  readonly process: number;
  /** Number of processes, usually one per host. */
  readonly processes: number;
  readonly store: KeyValueStore;
  /** Name of the run in the store, for runs that share one. Default `dinov2`. */
  readonly run?: string;
  /** How long to wait at the start until all processes are there. Default 10 minutes. */
  readonly joinTimeoutMs?: number;
  /**
   * After what silence another process is taken for gone. Processes say ten times as often that they are alive. It has to be
   * longer than any of them keeps its main thread busy, e.g. to trace a graph. Default 40 s.
   */
  readonly silenceMs?: number;
}

/** Place of this process among those that work together. */
export interface Membership extends Hosts {
  /** The store, below a prefix that only this start of the run has. */
  readonly store: KeyValueStore;
  /** Rejects, and never resolves, when another process is gone. */
  readonly failure: Promise<never>;
  /** Say goodbye; the others must not need this process any more. */
  leave(): Promise<void>;
}

interface Beat {
  readonly count: number;
  readonly host: string;
  readonly left: boolean;
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const decode = <T>(bytes: Uint8Array): T => JSON.parse(new TextDecoder().decode(bytes)) as T;
/** Another process is taken for gone when so many looks at it have shown nothing new. */
const silentLooks = 10;
/** Milliseconds between two looks at who is there. */
const joinPause = 200;
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
/** Does not keep a process that has nothing else to do. */
const doze = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref());

/**
 * Meet the other processes of a run and watch them from then on.
 *
 * A store may hold keys of an earlier start of the run, and of processes that were killed. So each process writes a number
 * of its own, again and again; process 0 takes those that it sees change, and gives the start a name that all of them see.
 *
 * @throws EngineError - if not all processes come in time.
 */
export async function join({
  process,
  processes,
  store,
  run = 'dinov2',
  joinTimeoutMs = 600_000,
  silenceMs = 40_000,
}: DistributedOptions): Promise<Membership> {
  const beatMs = silenceMs / silentLooks;
  if (!Number.isInteger(processes) || processes < 1 || !Number.isInteger(process) || process < 0 || process >= processes) {
    throw new EngineError(`process is ${process} of ${processes}; processes are numbered from 0.`);
  }
  const all = Array.from({ length: processes }, (_, i) => i);
  const others = all.filter((i) => i !== process);
  const session = await meet(below(store, run), process, all, joinTimeoutMs);
  const own = below(store, `${run}/${session}`);

  let fail!: (error: EngineError) => void;
  const failure = new Promise<never>((_, reject) => (fail = reject));
  failure.catch(() => undefined); // told to those who wait for something
  let over = false;

  let count = 0;
  const beat = (left: boolean) => own.put(`alive/${process}`, encode({ count: count++, host: hostname(), left } satisfies Beat));

  /** Two loops, so that a store that is slow to answer questions does not keep this process from saying that it lives. */
  const speak = async () => {
    while (!over) {
      await beat(false).catch(() => undefined);
      await doze(beatMs);
    }
  };
  const listen = async () => {
    // Looks are counted, not time: after a pause of its own, this process has to hear the others first.
    const heard = new Map(others.map((i) => [i, { count: -1, host: '', looks: 0 }]));
    while (!over) {
      await Promise.all(
        [...heard].map(async ([i, last]) => {
          // A store that does not answer is silence too.
          const bytes = await own.tryGet(`alive/${i}`).catch(() => undefined);
          const latest = bytes && decode<Beat>(bytes);
          if (latest && latest.count !== last.count) Object.assign(last, { count: latest.count, host: latest.host, looks: 0 });
          else last.looks++;
          const name = `process ${i}${last.host ? ` on ${last.host}` : ''}`;
          if (latest?.left) {
            // Those that end at the same time need not hear of it.
            await doze(silenceMs / 3);
            if (!over) fail(new EngineError(`${name} has left the run, and this process still needs it; start all processes again, from the last checkpoint.`));
          } else if (last.looks >= silentLooks) {
            fail(
              new EngineError(
                `${name} has not been heard of for ${silenceMs / 1000} s; start all processes again, from the last checkpoint. The mesh may be smaller.`,
              ),
            );
          }
        }),
      );
      await doze(beatMs);
    }
  };
  await beat(false);
  void speak();
  void listen();

  return {
    index: process,
    count: processes,
    store: own,
    failure,
    async barrier(name) {
      // A store that does not answer for a while is forgiven: whether processes are gone is for their heartbeats to tell.
      const isThere = (i: number): Promise<boolean> => own.tryGet(`barrier/${name}/${i}`).then((value) => value !== undefined, () => false);
      const arrive = async (): Promise<void> => {
        while (!over && !(await own.put(`barrier/${name}/${process}`, encode(true)).then(() => true, () => false))) await sleep(100);
        await Promise.all(
          others.map(async (i) => {
            while (!over && !(await isThere(i))) await sleep(100);
          }),
        );
      };
      await Promise.race([arrive(), failure]);
    },
    async leave() {
      if (over) return;
      over = true;
      await beat(true).catch(() => undefined);
    },
  };
}

interface Joining {
  readonly self: string;
  readonly count: number;
}

/** Agree on a name for this start of the run. */
async function meet(store: KeyValueStore, process: number, all: readonly number[], timeoutMs: number): Promise<string> {
  const end = performance.now() + timeoutMs;
  const self = randomUUID();
  const seen = new Map<number, Joining & { readonly isAlive: boolean }>();
  for (let count = 0; ; count++) {
    const isLate = performance.now() > end;
    if (process === 0) {
      const missing: number[] = [];
      for (const i of all.slice(1)) {
        const bytes = await store.tryGet(`join/${i}`);
        const before = seen.get(i);
        const now = bytes && decode<Joining>(bytes);
        const isAlive = now !== undefined && now.self === before?.self && (before.isAlive || now.count !== before.count);
        if (now) seen.set(i, { ...now, isAlive });
        if (!isAlive) missing.push(i);
      }
      if (missing.length === 0) {
        await store.put('start', encode({ session: self, members: all.map((i) => seen.get(i)?.self ?? self) }));
        return self;
      }
      if (isLate) throw new EngineError(`after ${timeoutMs / 1000} s ${missing.length} of ${all.length} processes are missing: ${missing.join(', ')}.`);
    } else {
      await store.put(`join/${process}`, encode({ self, count } satisfies Joining));
      const bytes = await store.tryGet('start');
      const start = bytes && decode<{ session: string; members: string[] }>(bytes);
      if (start?.members[process] === self) return start.session;
      if (isLate) {
        throw new EngineError(`process ${process} waited ${timeoutMs / 1000} s for process 0; see whether it runs and has the same store.`);
      }
    }
    await sleep(joinPause);
  }
}
