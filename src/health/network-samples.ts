// The metrics of one network but those of its peers. Pure.

import type { LeaseDocument, NetworkDocument, RunningDocument } from '../api/model.js';
import { METRICS, snakeCase, type MetricName } from './metrics-table.js';
import type { NetworkNumbers, Numbers } from './network-numbers.js';
import { HEALTH_STATES } from './reasons.js';
import type { Samples } from './samples.js';

export function addNetwork(
  samples: Samples,
  { name: network, state, reasons, running }: NetworkDocument,
  leases: readonly LeaseDocument[],
  numbers: NetworkNumbers | undefined,
): void {
  for (const one of HEALTH_STATES)
    samples.add('flanneld_network_state', { network, state: one }, Number(one === state));
  for (const { code, level, seconds } of reasons)
    samples.add('flanneld_network_reason_seconds', { network, code, level }, seconds);
  if (running !== undefined) {
    addRunning(samples, network, running);
    for (const reserved of [false, true])
      samples.add(
        'flanneld_leases',
        { network, reserved: String(reserved) },
        leases.filter((lease) => lease.reserved === reserved).length,
      );
  }
  if (numbers !== undefined) addNumbers(samples, network, numbers);
}

function addRunning(samples: Samples, network: string, running: RunningDocument): void {
  const { lease, backend, store, kernel, pool } = running;
  samples.add(
    'flanneld_network_info',
    {
      network,
      backend: backend.type,
      subnet: lease.subnet,
      public_ip: lease.publicIp,
      device: backend.device ?? '',
    },
    1,
  );
  samples.add('flanneld_network_mtu_bytes', { network }, backend.mtu);
  samples.add('flanneld_lease_remaining_seconds', { network }, lease.secondsLeft ?? Infinity);
  samples.add('flanneld_store_connected', { network }, Number(store.state === 'connected'));
  samples.add('flanneld_store_state_timestamp_seconds', { network }, Date.parse(store.since) / 1_000);
  samples.add('flanneld_kernel_as_wanted', { network }, Number(kernel.asWanted));
  samples.add('flanneld_kernel_passes_total', { network }, kernel.passes);
  if (pool === undefined) return;
  samples.add('flanneld_pool_subnets', { network }, pool.total);
  samples.add('flanneld_pool_subnets_leased', { network }, pool.leased);
}

function addNumbers(samples: Samples, network: string, numbers: NetworkNumbers): void {
  const byKind = (name: KindMetric, values: Numbers): void => {
    for (const [kind, value] of Object.entries(values)) samples.add(name, { network, kind }, value);
  };
  byKind('flanneld_kernel_wanted_objects', numbers.wanted);
  byKind('flanneld_kernel_own_objects', numbers.own);
  byKind('flanneld_kernel_problems', numbers.problems);
  byKind('flanneld_kernel_repairs_total', numbers.repairs);
  for (const [name, value] of Object.entries(numbers.dataplane ?? {})) {
    if (name.startsWith('drop')) {
      const reason = snakeCase(name.slice('drop'.length)).replace(/^_/, '');
      samples.add('flanneld_dataplane_drops_total', { network, reason }, value);
    } else if (isMetric(dataplaneMetric(name))) {
      samples.addAs(dataplaneMetric(name), { labels: { network }, value });
    }
  }
}

type KindMetric = Extract<
  MetricName,
  `flanneld_kernel_${'wanted_objects' | 'own_objects' | 'problems' | 'repairs_total'}`
>;

/** The metric of a counter of the packet engine that counts no drops. */
export function dataplaneMetric(name: string): string {
  return `flanneld_dataplane_${snakeCase(name)}_total`;
}

function isMetric(name: string): boolean {
  return Object.hasOwn(METRICS, name);
}
