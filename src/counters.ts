// What the daemon counts: one row a counter, and the object that holds the numbers.
// It does not export them anywhere; health and metrics read the snapshot.

/** One row a counter: its name and what one more means. */
export const COUNTERS = {
  etcdDisconnects: 'etcd connections lost',
  etcdRetries: 'etcd calls repeated after a retryable error',
  etcdTlsRenewals: 'times the connection to etcd was made anew because the certificate files had changed',
  etcdTlsRenewalErrors:
    'times changed certificate files could not be used, so that the connection stayed as it was',
  watchRestarts: 'watches of leases or configs started again',
  watchCompactions: 'watches of leases or configs overtaken by a compaction, each answered by a new listing',
  leaseUnreadable: 'keys or values below the lease prefix that could not be read, and were skipped',
  peersHeld:
    'peers kept although their lease went missing, because so sudden a loss has to be confirmed first',
  peersHeldGone: 'peers so kept whose lease was gone after all',
  leaseRaces: 'claims lost to another writer, and tried again',
  leaseKeepAlives: 'keep-alives of our own lease that were answered',
  leaseKeepAliveErrors: 'keep-alives of our own lease that failed',
  leaseLost: 'times our own lease was found missing or somebody else’s',
  peerSkipped: 'peers whose lease is readable but cannot be used',
  kernelResyncs: 'times the kernel state was read anew because events were lost or contradicted us',
  kernelEvents: 'kernel events received',
  kernelMessagesUnreadable: 'kernel messages that could not be read, and were skipped',
  kernelOperations: 'changes sent to the kernel',
  kernelOperationErrors: 'changes the kernel refused',
  rulesFailed: 'times the traffic rules could not be made as wanted',
  repairs: 'objects put right that somebody else had changed or removed',
  healthDegraded: 'times a network became degraded',
  healthNotReady: 'times a network that was ready or degraded became not ready',
  loopsStuck: 'loops of the daemon that gave no sign of life for longer than they may',
  healthConnectionsRefused:
    'connections to the health listener beyond its limit, or that failed while being accepted',
  probesSent: 'probes of peers that were sent',
  probesLost: 'probes of peers that were not answered in time',
  probesHeldBack: 'probes of peers not sent because there were too many just then',
  probeSendErrors: 'probes of peers that this host could not send',
  probePacketsRefused:
    'packets that looked like probes and came from nobody we probe, or answered none of ours',
  apiConnectionsRefused: 'connections to the local API beyond its limit, or that failed while being accepted',
  apiFailures: 'requests of the local API that could not be answered through a fault of ours',
  apiReadersCut: 'readers of the API cut off because they did not take what was sent',
  apiSocketMissing: 'times the daemon went on without the socket of its API',
  stateUnreadable: 'files of the state folder that could not be used, and were put aside',
  stateWriteErrors: 'snapshots that could not be written to the state folder',
  configsRefused: 'changes of a network config that a running network did not take over',
  networksFailed: 'networks that stopped for a reason of their own, among several',
  removalErrors: 'parts of a deleted network that could not be removed from the host',
  statusWriteErrors: 'status files of networks that could not be written or removed',
  waitRetries: 'attempts repeated while waiting for etcd, a config or a device',
} as const;

export type CounterName = keyof typeof COUNTERS;

/** A set of counters, all starting at zero. Single-threaded, so a plain increment is enough. */
export class Counters {
  readonly #values = new Map<CounterName, number>();

  increment(name: CounterName, by = 1): void {
    this.#values.set(name, (this.#values.get(name) ?? 0) + by);
  }

  get(name: CounterName): number {
    return this.#values.get(name) ?? 0;
  }

  /** Every counter there is, those at zero too. */
  all(): Readonly<Record<CounterName, number>> {
    const names = Object.keys(COUNTERS) as readonly CounterName[];
    return Object.fromEntries(names.map((name) => [name, this.get(name)])) as Record<CounterName, number>;
  }
}
