import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { etcdStore } from './etcd-store';
import { StoreTimeout, type KeyValueStore } from './key-value-store';
import { redisStore, type ClosableStore } from './redis-store';
import { freePort, has, startServer } from './servers.testing';

function behavesLikeAStore(open: () => KeyValueStore): void {
  it('keeps bytes, overwrites, and knows nothing of other keys', async () => {
    const store = open();
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    await store.put('all bytes', bytes);
    expect(new Uint8Array((await store.tryGet('all bytes'))!)).toEqual(bytes);
    await store.put('all bytes', new Uint8Array());
    expect(new Uint8Array((await store.tryGet('all bytes'))!)).toEqual(new Uint8Array());
    expect(await store.tryGet('other')).toBeUndefined();
  });

  it('waits for a key, and not for ever', async () => {
    const store = open();
    const waiting = store.get('later', 5000);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await store.put('later', Uint8Array.of(7));
    expect([...(await waiting)]).toEqual([7]);
    await expect(store.get('never', 50)).rejects.toBeInstanceOf(StoreTimeout);
  });
}

const noRedis = has('redis-server') ? '' : ' (skipped: no redis-server; apt-get install redis-server)';
describe.skipIf(noRedis)(`redisStore${noRedis}`, () => {
  let redis: { connection: ClosableStore; stop(): Promise<void> };
  beforeAll(async () => {
    redis = await startServer('redis-server', async () => {
      const port = await freePort();
      return { parameters: ['--port', String(port), '--save', '', '--bind', '127.0.0.1'], connect: () => redisStore({ url: `redis://127.0.0.1:${port}` }) };
    });
  });
  afterAll(async () => {
    await redis.connection.close();
    await redis.stop();
  });
  behavesLikeAStore(() => redis.connection);

  it('says where nothing answers, without the password', async () => {
    await expect(redisStore({ url: `redis://user:secret@127.0.0.1:1/0` })).rejects.toThrow(/no Redis answers at redis:\/\/127.0.0.1:1\/0/);
  });
});

const noEtcd = has('etcd') ? '' : ' (skipped: no etcd; apt-get install etcd-server)';
describe.skipIf(noEtcd)(`etcdStore${noEtcd}`, () => {
  let etcd: { connection: { store: KeyValueStore; endpoint: string }; stop(): Promise<void> };
  beforeAll(async () => {
    etcd = await startServer('etcd', async (folder) => {
      const endpoint = `http://127.0.0.1:${await freePort()}`;
      const peer = `http://127.0.0.1:${await freePort()}`;
      return {
        parameters: ['--data-dir', folder, '--listen-client-urls', endpoint, '--advertise-client-urls', endpoint, '--listen-peer-urls', peer],
        connect: async () => ({ endpoint, store: await etcdStore({ endpoints: [endpoint] }) }),
      };
    });
  });
  afterAll(() => etcd.stop());
  behavesLikeAStore(() => etcd.connection.store);

  it('tries all members, and says where nothing answers', async () => {
    const store = await etcdStore({ endpoints: ['http://127.0.0.1:1', etcd.connection.endpoint] });
    await store.put('x', Uint8Array.of(1));
    await expect(etcdStore({ endpoints: ['http://127.0.0.1:1'] })).rejects.toThrow(/etcd does not answer lease\/grant. http:\/\/127.0.0.1:1: /);
  });
});
