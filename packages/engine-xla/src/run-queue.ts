/** Runs given to the devices and not done: one computes, the next waits on the device, so that it never idles. */
const longestQueue = 2;

/**
 * Gives runs to the devices one after the other, in the order they were added: several processes must give their devices
 * the same order, or collectives wait for each other for ever.
 */
export class RunQueue {
  #last: Promise<unknown> = Promise.resolve();
  readonly #underWay: Promise<void>[] = [];

  /** @param start - Gives the devices a run; the promise that it answers with is settled when they are done. */
  add<T extends { readonly done: Promise<void> }>(start: () => Promise<T>): Promise<T> {
    const result = this.#last.then(async () => {
      while (this.#underWay.length >= longestQueue) await this.#underWay.shift();
      const run = await start();
      // What went wrong on a device is told by the arrays that it did not compute.
      this.#underWay.push(run.done.catch(() => undefined));
      return run;
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when everything added so far is done. */
  async idle(): Promise<void> {
    await this.#last;
    await Promise.all(this.#underWay);
  }
}
