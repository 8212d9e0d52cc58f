import type { Plugin } from './plugin';

/** For so many milliseconds after the last change events are looked at as often as the event loop turns, then once per millisecond. */
const busyTime = 2;

interface Waiting {
  readonly event: bigint;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Waits for the events of a plugin by asking whether they are ready.
 *
 * The interface has two other ways, and both do harm here. `PJRT_Event_Await` keeps a thread, and Node's pool has four for
 * everything. A callback (`PJRT_Event_OnReady`) would run on the main thread while the plugin's thread that calls it, maybe
 * the one that feeds the device, waits until JavaScript has time.
 */
export class Events {
  readonly #plugin: Plugin;
  #waiting: Waiting[] = [];
  #lastChange = 0;
  #scheduled = false;

  constructor(plugin: Plugin) {
    this.#plugin = plugin;
  }

  /** Resolves when the event is ready, rejects with its error. The event is freed; 0 stands for one that is over. */
  async settled(event: bigint): Promise<void> {
    if (event === 0n) return;
    if (this.#isReady(event)) return this.#take(event);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ event, resolve, reject });
      this.#lastChange = performance.now();
      this.#schedule();
    });
  }

  #isReady(event: bigint): boolean {
    return this.#plugin.call('PJRT_Event_IsReady', { event }).is_ready;
  }

  /** Free a ready event; throws its error. */
  #take(event: bigint): void {
    try {
      this.#plugin.call('PJRT_Event_Error', { event });
    } finally {
      this.#plugin.call('PJRT_Event_Destroy', { event });
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return;
    this.#scheduled = true;
    const look = () => {
      this.#scheduled = false;
      this.#look();
      this.#schedule();
    };
    if (performance.now() - this.#lastChange < busyTime) setImmediate(look);
    else setTimeout(look, 1);
  }

  #look(): void {
    const still: Waiting[] = [];
    for (const waiting of this.#waiting) {
      try {
        if (this.#isReady(waiting.event)) {
          this.#lastChange = performance.now();
          this.#take(waiting.event);
          waiting.resolve();
        } else {
          still.push(waiting);
        }
      } catch (error) {
        waiting.reject(error);
      }
    }
    this.#waiting = still;
  }
}
