// An etcd on the wire, its data in the wire's own memory file system: it goes when the lab goes.
// One member, no TLS; what needs more has its own set-up.

import type { Namespace } from './namespace.js';
import type { LabProcess } from './processes.js';
import { LabError } from './errors.js';
import { EtcdStore } from './etcd-store.js';
import { until } from './until.js';

export interface WireEtcd {
  readonly endpoint: string;
  readonly process: LabProcess;
  readonly store: EtcdStore;
}

/** Starts etcd at `address`:2379 in `wire` and waits until it answers. */
export async function startWireEtcd(wire: Namespace, address: string): Promise<WireEtcd> {
  const endpoint = `http://${address}:2379`;
  const peer = 'http://127.0.0.1:2380';
  const process = wire.spawn('etcd', [
    '--data-dir=/var/lib/etcd',
    `--listen-client-urls=${endpoint}`,
    `--advertise-client-urls=${endpoint}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
  ]);
  const store = new EtcdStore(wire, endpoint);
  await until(
    async () => {
      if (process.exit !== undefined) return 'ended';
      await store.get('/');
      return 'answers';
    },
    { what: 'etcd to answer', timeoutMs: 20_000, state: () => process.output.tail(10).join('\n') },
  );
  if (process.exit !== undefined) {
    throw new LabError('COMMAND_FAILED', `etcd has ended: ${process.output.tail(10).join('\n')}`);
  }
  return { endpoint, process, store };
}
