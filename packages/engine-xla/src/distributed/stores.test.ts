import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { etcdStore } from './etcd-store';
import { StoreTimeout, type KeyValueStore } from './key-value-store';
import { redisStore } from './redis-store';

const has = (program: string) => spawnSync(program, ['--version']).status === 0;

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** Start a server in a folder of its own and try until it answers. */
async function start<T>(program: string, parameters: (port: number, folder: string) => Promise<string[]> | string[], connect: (port: number) => Promise<T>) {
  const folder = mkdtempSync(join(tmpdir(), 'dinov2-store-'));
  const port = await freePort();
  const server: ChildProcess = spawn(program, await parameters(port, folder), { stdio: 'ignore', cwd: folder });
  const stop = async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let attempt = 0; ; attempt++) {
    try {
      return { store: await connect(port), port, stop };
    } catch (error) {
      if (attempt === 100) {
        await stop();
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

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
  let redis: Awaited<ReturnType<typeof start<Awaited<ReturnType<typeof redisStore>>>>>;
  beforeAll(async () => {
    redis = await start('redis-server', (port) => ['--port', String(port), '--save', '', '--bind', '127.0.0.1'], (port) => redisStore({ url: `redis://127.0.0.1:${port}` }));
  });
  afterAll(async () => {
    await redis.store.close();
    await redis.stop();
  });
  behavesLikeAStore(() => redis.store);

  it('says where nothing answers, without the password', async () => {
    await expect(redisStore({ url: `redis://user:secret@127.0.0.1:1/0` })).rejects.toThrow(/no Redis answers at redis:\/\/127.0.0.1:1\/0/);
  });
});

const noEtcd = has('etcd') ? '' : ' (skipped: no etcd; apt-get install etcd-server)';
describe.skipIf(noEtcd)(`etcdStore${noEtcd}`, () => {
  let etcd: Awaited<ReturnType<typeof start<KeyValueStore>>>;
  beforeAll(async () => {
    etcd = await start(
      'etcd',
      async (port, folder) => {
        const peer = await freePort();
        const client = `http://127.0.0.1:${port}`;
        return ['--data-dir', folder, '--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', `http://127.0.0.1:${peer}`];
      },
      (port) => etcdStore({ endpoints: [`http://127.0.0.1:${port}`] }),
    );
  });
  afterAll(() => etcd.stop());
  behavesLikeAStore(() => etcd.store);

  it('tries all members, and says where nothing answers', async () => {
    const store = await etcdStore({ endpoints: ['http://127.0.0.1:1', `http://127.0.0.1:${etcd.port}`] });
    await store.put('x', Uint8Array.of(1));
    await expect(etcdStore({ endpoints: ['http://127.0.0.1:1'] })).rejects.toThrow(/etcd does not answer lease\/grant. http:\/\/127.0.0.1:1: /);
  });
});
