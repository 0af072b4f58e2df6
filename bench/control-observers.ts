// Watching from outside how far a daemon is: when its routes reached the kernel, when etcd had told a bare watcher,
// how much memory it holds. Nothing here is asked of the daemon itself. Packets: packet-observer.ts; CPU: cpu.ts.

import { readFileSync } from 'node:fs';
import type { Cluster } from '../src/lab/cluster.js';
import type { Host } from '../src/lab/host.js';
import type { LabProcess } from '../src/lab/processes.js';
import { until } from '../src/lab/until.js';

/** Sees from outside when a daemon has its peers programmed. */
export interface Observer {
  /** Waits until `count` peers are; when the last was, in epoch ms. `log`: the daemon's, for a failure. */
  complete(count: number, log: () => string): Promise<number>;
  stop(): Promise<void>;
}

/** Counts the routes over gateways on one device as the kernel announces them, by `ip monitor` with its own time stamps. */
export class RouteObserver implements Observer {
  readonly #host: Host;
  readonly #device: string;
  readonly #monitor: LabProcess;
  readonly #routes = new Set<string>();
  #lastAt = 0;

  private constructor(host: Host, device: string, monitor: LabProcess) {
    this.#host = host;
    this.#device = device;
    this.#monitor = monitor;
    monitor.output.onLine((line) => {
      // [2026-11-21T04:26:15.123456] 10.64.7.0/24 via 10.64.7.0 dev flannel.1 onlink
      const match = /^\[(\S+)\] (?!Deleted)(\S+) via .* ?dev (\S+)/.exec(line);
      if (match?.[3] !== device || match[2] === 'default') return;
      this.#routes.add(match[2]!);
      this.#lastAt = Date.parse(`${match[1]!}Z`);
    });
  }

  /** Returns when it listens: once it has announced a route made for it to see. */
  static async start(host: Host, device: string): Promise<RouteObserver> {
    // A receive buffer that holds a burst of 5,000, and times of its own: how soon we read does not matter.
    const args = ['-ts', '-o', '-4', '-rc', String(16 * 1024 * 1024), 'monitor', 'route'];
    const monitor = host.spawn('ip', args, { keepLines: 100 });
    const observer = new RouteObserver(host, device, monitor);
    await until(
      async () => {
        // Made and removed each time: a route that is there already is not announced again.
        await host.ip(['route add blackhole 192.0.2.1', 'route del blackhole 192.0.2.1']);
        return monitor.output.text().includes('192.0.2.1');
      },
      { what: 'ip monitor to listen', state: () => monitor.output.text() },
    );
    return observer;
  }

  /** By the kernel's announcements; checks that it holds as many. */
  async complete(count: number, log: () => string): Promise<number> {
    await until(() => this.#routes.size >= count, {
      what: `${count} routes on ${this.#device}`,
      timeoutMs: 120_000,
      state: () => `${this.#routes.size} routes; the daemon's log:\n${log()}`,
    });
    const listed = await this.#host.must('ip', ['-4', 'route', 'show', 'dev', this.#device]);
    const inKernel = listed.split('\n').filter((line) => /^\d.* via /.test(line)).length;
    if (inKernel !== count) throw new Error(`${inKernel} routes in the kernel, ${count} were announced`);
    return this.#lastAt;
  }

  async stop(): Promise<void> {
    await this.#monitor.destroy();
  }
}

/** Memory of a process in MiB: all that is resident, and the part that is its own and not its program file's. */
export interface Memory {
  readonly resident: number;
  readonly anonymous: number;
}

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (field: string): number => {
    const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status);
    return Math.round(Number(match?.[1]) / 102.4) / 10;
  };
  return { resident: mebibytes('VmRSS'), anonymous: mebibytes('RssAnon') };
}

/** How long etcd alone takes to tell a bare watcher of what `put` writes: first write to last event, in seconds. */
export async function bareWatch(
  cluster: Cluster,
  count: number,
  put: () => Promise<{ readonly startedAt: number }>,
): Promise<number> {
  const args = [`--endpoints=${cluster.endpoint}`, 'watch', '--prefix', '/coreos.com/network/subnets/'];
  const watcher = cluster.lab.wire.spawn('etcdctl', args, { env: { ETCDCTL_API: '3' }, keepLines: 20 });
  let seen = 0;
  let lastAt = 0;
  watcher.output.onLine((line) => {
    if (line !== 'PUT') return;
    seen += 1;
    lastAt = Date.now();
  });
  try {
    const canary = '/coreos.com/network/subnets/canary';
    await until(
      async () => {
        await cluster.store.put(canary, '');
        return seen > 0;
      },
      { what: 'the bare watcher to listen', state: () => watcher.output.text() },
    );
    // Every put of the canary was answered before this one, so after its event only what is put next comes.
    let settled = -1;
    await until(
      () => {
        const still = settled === seen;
        settled = seen;
        return still;
      },
      { what: 'the bare watcher to settle', intervalMs: 50 },
    );
    await cluster.store.delete(canary);
    const before = seen;
    const { startedAt } = await put();
    await until(() => seen - before >= count, {
      what: `${count} events at the bare watcher`,
      timeoutMs: 60_000,
      state: () => `${seen - before} events`,
    });
    return (lastAt - startedAt) / 1000;
  } finally {
    await watcher.destroy();
  }
}
