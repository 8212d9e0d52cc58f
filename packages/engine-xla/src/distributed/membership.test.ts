import { describe, expect, it } from 'vitest';
import { join, type Membership } from './membership';
import { memoryStore } from './memory-store.testing';

const silenceMs = 300;
const together = (store = memoryStore(), processes = 3) =>
  Promise.all(Array.from({ length: processes }, (_, process) => join({ process, processes, store, joinTimeoutMs: 5000, silenceMs })));
const leave = (all: readonly Membership[]) => Promise.all(all.map((one) => one.leave()));
const soon = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms, 'nothing'));

describe('join', () => {
  it('gives each start of a run keys of its own', async () => {
    const store = memoryStore();
    const first = await together(store);
    await first[0].store.put('x', Uint8Array.of(1));
    expect(await first[2].store.get('x', 1000)).toEqual(Uint8Array.of(1));
    expect(first.map(({ index, count }) => [index, count])).toEqual([[0, 3], [1, 3], [2, 3]]);
    await leave(first);
    const second = await together(store);
    expect(await second[1].store.tryGet('x')).toBeUndefined();
    await leave(second);
  });

  it('waits for all at a barrier', async () => {
    const all = await together();
    const two = Promise.all([all[0].barrier('a'), all[1].barrier('a')]);
    expect(await Promise.race([two, soon(250)])).toBe('nothing');
    await all[2].barrier('a');
    await two;
    await leave(all);
  });

  it('does not take up a process that was killed before', async () => {
    const store = memoryStore();
    await store.put('dinov2/join/1', new TextEncoder().encode(JSON.stringify({ self: 'dead', count: 3 })));
    await expect(join({ process: 0, processes: 2, store, joinTimeoutMs: 700 })).rejects.toThrow(/after 0.7 s 1 of 2 processes are missing: 1\./);
    await expect(join({ process: 1, processes: 2, store, joinTimeoutMs: 300 })).rejects.toThrow(/process 1 waited 0.3 s for process 0/);
    await expect(join({ process: 2, processes: 2, store })).rejects.toThrow(/process is 2 of 2/);
  });

  it('says which process is gone: silent, or after a goodbye', async () => {
    const store = memoryStore();
    const silent = { ...store, put: async (key: string, value: Uint8Array) => (frozen && key.includes('alive/1') ? undefined : store.put(key, value)) };
    let frozen = false;
    const all = await Promise.all([0, 1].map((process) => join({ process, processes: 2, store: silent, joinTimeoutMs: 5000, silenceMs })));
    expect(await Promise.race([all[0].failure, soon(400)])).toBe('nothing');
    frozen = true;
    await expect(all[0].failure).rejects.toThrow(/process 1 on .* has not been heard of for [\d.]+ s/);
    await expect(all[0].barrier('never')).rejects.toThrow(/process 1/);
    await leave(all);
    const others = await together(memoryStore(), 2);
    await others[0].leave();
    await expect(others[1].failure).rejects.toThrow(/process 0 on .* has left the run/);
    await leave(others);
  });
});
