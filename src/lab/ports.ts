// Free TCP ports for a server that is started, killed and started again on the same ones.

import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports the kernel takes for outgoing connections: one of those would sit where a killed server was. */
const [LOWEST, HIGHEST] = [15_000, 32_000];

/** `count` different ports that nothing listens on at `address`. */
export async function freePorts(address: string, count: number): Promise<number[]> {
  const servers = new Map<number, ReturnType<typeof createServer>>();
  // All held at the same time, so that they differ.
  while (servers.size < count) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (servers.has(port)) continue;
    const server = createServer();
    try {
      await once(server.listen(port, address), 'listening');
      servers.set(port, server);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  await Promise.all([...servers.values()].map((server) => once(server.close(), 'close')));
  return [...servers.keys()];
}
