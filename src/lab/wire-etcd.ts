// An etcd on the wire, its data in the wire's own memory file system: it goes when the lab goes.
// One member, no TLS; what needs more has its own set-up.

import type { Namespace } from './namespace.js';
import type { LabProcess } from './processes.js';
import { LabError } from './errors.js';
import { EtcdStore } from './etcd-store.js';
import { until } from './until.js';

/** An etcd that can be taken away and given back. */
export class WireEtcd {
  readonly endpoint: string;
  readonly store: EtcdStore;
  readonly #wire: Namespace;
  readonly #args: readonly string[];
  #process: LabProcess | undefined;

  constructor(wire: Namespace, address: string) {
    this.#wire = wire;
    this.endpoint = `http://${address}:2379`;
    this.store = new EtcdStore(wire, this.endpoint);
    const peer = 'http://127.0.0.1:2380';
    this.#args = [
      '--data-dir=/var/lib/etcd',
      `--listen-client-urls=${this.endpoint}`,
      `--advertise-client-urls=${this.endpoint}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
    ];
  }

  /** Starts it, again on what it has stored, and waits until it answers. */
  async start(): Promise<void> {
    const process = this.#wire.spawn('etcd', this.#args);
    this.#process = process;
    const tail = (): string => process.output.tail(10).join('\n');
    await until(
      async () => {
        if (process.exit !== undefined) return 'ended';
        await this.store.get('/');
        return 'answers';
      },
      { what: 'etcd to answer', timeoutMs: 20_000, state: tail },
    );
    if (process.exit !== undefined) throw new LabError('COMMAND_FAILED', `etcd has ended: ${tail()}`);
  }

  /** SIGKILL; what it has stored stays. Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#process?.stop('SIGKILL');
  }

  /** SIGSTOP: its connections stand, and nothing is answered. */
  freeze(): void {
    this.#process?.signal('SIGSTOP');
  }

  /** SIGCONT. */
  thaw(): void {
    this.#process?.signal('SIGCONT');
  }
}

/** Starts etcd at `address`:2379 in `wire` and waits until it answers. */
export async function startWireEtcd(wire: Namespace, address: string): Promise<WireEtcd> {
  const etcd = new WireEtcd(wire, address);
  await etcd.start();
  return etcd;
}
