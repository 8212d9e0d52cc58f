import { openCallbacks } from './distributed/callbacks';
import { join, type DistributedOptions, type Membership } from './distributed/membership';
import { Client } from './pjrt/client';
import { exitWithoutThreads } from './pjrt/environment';
import type { PluginOptions } from './pjrt/named-values';
import type { Plugin } from './pjrt/plugin';

/** A client, and what connects it with those of other processes. */
export interface Session {
  readonly client: Client;
  readonly membership?: Membership;
  close(): Promise<void>;
}

/** Make a client; with other processes, meet them first. */
export async function openSession(plugin: Plugin, options: PluginOptions, distributed?: DistributedOptions): Promise<Session> {
  if (!distributed) {
    const client = await Client.create(plugin, options);
    return { client, close: () => client.dispose() };
  }
  const membership = await join(distributed);
  membership.failure.catch(exitWithoutThreads);
  const { callbacks, close } = await openCallbacks(membership.store);
  try {
    // TPU hosts know each other from their environment, and libtpu has no such options.
    const processes: PluginOptions = plugin.name.includes('tpu') ? {} : { node_id: distributed.process, num_nodes: distributed.processes };
    const client = await Promise.race([Client.create(plugin, { ...processes, ...options }, callbacks), membership.failure]);
    return {
      client,
      membership,
      close: async () => {
        await client.dispose();
        await membership.leave();
        await close();
      },
    };
  } catch (error) {
    await membership.leave();
    await close();
    throw error;
  }
}
