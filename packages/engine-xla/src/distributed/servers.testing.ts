import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** Start a server in a folder of its own, and try to connect until it answers. */
export async function startServer<T>(
  program: string,
  configure: (folder: string) => Promise<{ readonly parameters: readonly string[]; readonly connect: () => Promise<T> }>,
): Promise<{ readonly connection: T; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'dinov2-server-'));
  const { parameters, connect } = await configure(folder);
  const server = spawn(program, parameters, { stdio: 'ignore', cwd: folder });
  const stop = async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let attempt = 0; ; attempt++) {
    try {
      return { connection: await connect(), stop };
    } catch (error) {
      if (attempt === 100) {
        await stop();
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
