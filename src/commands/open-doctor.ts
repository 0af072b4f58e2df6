// Opens what the doctor looks with: daemons, etcd, kernel, tools; all of it is closed when it has looked.
// What is looked at is src/doctor.

import { findSockets } from '../api/find-sockets.js';
import { ask } from '../api/client.js';
import { systemClock } from '../clock.js';
import { Counters } from '../counters.js';
import type { DaemonAccess } from '../doctor/facts-daemons.js';
import type { Sources } from '../doctor/gather.js';
import { LinuxKernel } from '../kernel/rtnetlink/linux-kernel.js';
import { ToolRunner } from '../kernel/tool.js';
import type { CommandArguments, CommandIo } from './command.js';
import { openStoreAccess } from './open-doctor-store.js';
import { toldLogger } from './told-logger.js';

/** A command that looks is silent about what it cannot see: its findings say so. */
const SILENT = toldLogger({ err: () => undefined });

/** Runs the action with the means to look; throws what it throws. */
export async function withSources<T>(
  args: CommandArguments,
  io: CommandIo,
  progress: (what: string) => void,
  action: (sources: Sources) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const closers: (() => void)[] = [];
  const parts = { clock: systemClock, random: Math.random, logger: SILENT, counters: new Counters() };
  try {
    return await action({
      clock: systemClock,
      tool: new ToolRunner({ ...parts, signal: over.signal }),
      daemons: daemonAccess(args['socket'] as string | undefined),
      // Async functions, so that what is thrown at once is a rejection too.
      store: async (daemons) => {
        const { access, close } = await openStoreAccess(args, io.env, daemons, parts);
        closers.push(close);
        return access;
      },
      kernel: async () => {
        const kernel = await Promise.resolve(LinuxKernel.open(parts));
        closers.push(() => {
          kernel.close();
        });
        return kernel;
      },
      progress,
    });
  } finally {
    over.abort();
    for (const close of closers) close();
  }
}

function daemonAccess(named: string | undefined): DaemonAccess {
  return {
    sockets: () => findSockets(named),
    status: (socket) => ask(socket, '/v1/status'),
    peers: (socket, network) => ask(socket, `/v1/networks/${encodeURIComponent(network)}/peers`),
    leases: (socket, network) => ask(socket, `/v1/networks/${encodeURIComponent(network)}/leases`),
    options: (socket) => ask(socket, '/v1/options'),
  };
}
