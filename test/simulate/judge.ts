// The invariants of a simulation. It looks at the cluster from outside, by the text in the store, the kernels' state and
// the answers the daemons got, and throws a Violation.

import { FatalError } from '../../src/flanneld/errors.js';
import { actualLines, expectedLines, rememberedLines } from './expectation.js';
import type { Life } from './life.js';
import type { SimCluster } from './sim-cluster.js';
import type { SimHost } from './sim-host.js';
import { envKey, overlap, PREFIX, spanOf, storedLeases, type StoredLease } from './stored.js';
import { Violation } from './violation.js';

/** How long a daemon that can reach the store may hold a lease that somebody has taken out of it. */
const UNAWARE_MS = 120_000;

export class Judge {
  readonly #cluster: SimCluster;
  readonly #violations: Violation[] = [];
  /** When somebody last tampered with the store, on the shared clock. */
  #tampered = -Infinity;

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
    cluster.store.onChange(() => {
      this.#note(() => {
        this.#noOverlap();
      });
    });
  }

  /** A step takes leases away, or writes over them, or makes the store forget. */
  tampered(): void {
    this.#tampered = this.#cluster.clock.monotonic();
  }

  /** Throws the first violation seen so far. */
  check(): void {
    this.#note(() => {
      for (const host of this.#cluster.hosts) this.#beliefStands(host);
      this.#noTwins();
    });
    const [first] = this.#violations;
    if (first !== undefined) throw first;
  }

  /** A daemon ended by itself. */
  ended(host: SimHost, life: Life, error: unknown): void {
    const { trace } = this.#cluster;
    const text = error instanceof Error ? error.message : 'it returned';
    trace.say(host.name, `ended: ${text}`);
    this.#note(() => {
      if (!(error instanceof FatalError) || error.code !== 'lease-lost')
        throw new Violation('no daemon ends but for a lost lease', `${host.name}: ${text}`);
      if (host.clock.pending > 0)
        throw new Violation('nothing waits after the end', `${host.name}: ${host.clock.pending} timers`);
      this.#isLost(host, life);
    });
  }

  /** To be asked when the last fault is long over. */
  converged(): void {
    const leases = storedLeases(this.#cluster.store);
    for (const host of this.#cluster.hosts) {
      if (host.life === undefined) continue;
      const own = this.#leaseOf(host, leases);
      if (own !== undefined) this.#routesStand(host, own, leases);
    }
  }

  #note(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      if (this.#violations.length === 0) this.#cluster.trace.say('judge', error.message);
      this.#violations.push(error);
    }
  }

  /** (a) Keys without an etcd lease are an operator's, and his business. */
  #noOverlap(): void {
    const leases = storedLeases(this.#cluster.store).filter(({ etcdLease }) => etcdLease !== 0n);
    for (const [index, one] of leases.entries()) {
      const other = leases.slice(index + 1).find((candidate) => overlap(one, candidate));
      if (other !== undefined)
        throw new Violation('no two unexpired leases overlap', `${leaseText(one)} and ${leaseText(other)}`);
    }
  }

  /**
   * (b) A daemon that holds a lease, unexpired by its own clock, has it in the store. Since leases there do not overlap,
   * neither do beliefs. What an operator took away it may hold until it can know.
   */
  #beliefStands(host: SimHost): void {
    const { store, clock } = this.#cluster;
    const { life } = host;
    const record = life?.belief.record;
    if (life === undefined || record === undefined || host.clock.boottime() >= life.belief.validUntil) return;
    const stored = storedLeases(store).find(({ key }) => key === record.key);
    if (stored?.etcdLease === record.etcdLease) return;
    if (clock.monotonic() - Math.max(this.#tampered, host.troubledUntil) <= UNAWARE_MS) return;
    const now = stored === undefined ? 'there is none' : leaseText(stored);
    throw new Violation(
      'who holds an unexpired lease has it in the store',
      `${host.name} holds ${record.key}; ${now}`,
    );
  }

  /** (b) Of two hosts with one node id one has to give way, as soon as both hear the store. */
  #noTwins(): void {
    const { clock, hosts } = this.#cluster;
    const holders = hosts.flatMap((host) => {
      const { record, validUntil = 0 } = host.life?.belief ?? {};
      const isSure = record !== undefined && host.clock.boottime() < validUntil;
      const isAware = clock.monotonic() - Math.max(this.#tampered, host.troubledUntil) > UNAWARE_MS;
      const span = isSure && isAware ? spanOf(record.key) : undefined;
      return span === undefined ? [] : [{ ...span, name: host.name, key: record?.key ?? '' }];
    });
    for (const [index, one] of holders.entries()) {
      const other = holders.slice(index + 1).find((candidate) => overlap(one, candidate));
      if (other !== undefined)
        throw new Violation('no two hosts hold one subnet', `${one.name} and ${other.name} hold ${one.key}`);
    }
  }

  /** Whether another host is announced by its node id. */
  #isCopied({ name, nodeId }: SimHost): boolean {
    const presence = this.#cluster.store.get(`${PREFIX}/nodes/${nodeId}`);
    if (presence === undefined) return false;
    const { Host } = JSON.parse(Buffer.from(presence.value).toString()) as { readonly Host?: string };
    return Host !== name;
  }

  /** (e) The subnet is somebody else's, or the config has no such subnet any more. */
  #isLost(host: SimHost, life: Life): void {
    const { store } = this.#cluster;
    if (this.#isCopied(host)) return;
    // Without an answer of the store it went on from its snapshot, which is what its env file says.
    const key = life.belief.record?.key ?? envKey(host.envText ?? '');
    const held = key === undefined ? undefined : spanOf(key);
    const theirs = storedLeases(store).filter(
      ({ value }) => value?.PublicIP !== host.address || value.NodeID !== host.nodeId,
    );
    if (held !== undefined && theirs.some((other) => overlap(other, held))) return;
    if (key?.endsWith(`-${subnetLength(store)}`) === false) return;
    throw new Violation('a lost lease is somebody else’s', `${host.name} gave up ${key ?? 'nothing'}`);
  }

  #leaseOf(host: SimHost, leases: readonly StoredLease[]): StoredLease | undefined {
    const { world } = this.#cluster;
    const key = envKey(host.envText ?? '');
    const own = leases.find((lease) => lease.key === key && lease.value?.PublicIP === host.address);
    if (own !== undefined && host.life?.isReady === true) return own;
    const isFull = leases.length >= world.subnets;
    if (own === undefined && isFull && host.life?.isReady === false) return undefined;
    throw new Violation(
      'every live host has a lease in the end',
      `${host.name} ${host.life?.isReady === true ? 'is ready' : 'is not ready'} with ${key ?? 'no subnet'}; the store has ${leases.map(leaseText).join(', ')}`,
    );
  }

  #routesStand(host: SimHost, own: StoredLease, leases: readonly StoredLease[]): void {
    const { backend } = this.#cluster.world;
    const expected = expectedLines(backend, own, leases);
    const actual = actualLines(backend, host.kernel.toString(), host.life?.engineRoutes ?? []);
    const missing = expected.filter((line) => !actual.includes(line));
    const remembered = rememberedLines(actual, leases);
    const extra = actual.filter((line) => !expected.includes(line) && !remembered.has(line));
    if (missing.length + extra.length === 0) return;
    throw new Violation(
      'the kernel holds what the store says',
      `${host.name} lacks [${missing.join('; ')}], and has [${extra.join('; ')}] too many`,
    );
  }
}

function leaseText({ key, value, etcdLease }: StoredLease): string {
  return `${key} of ${value?.PublicIP ?? 'nobody'}${etcdLease === 0n ? ' for ever' : ''}`;
}

/** The length of the subnets that the config in the store hands out. */
function subnetLength(store: SimCluster['store']): number {
  const text = Buffer.from(store.get(`${PREFIX}/config`)?.value ?? '{}').toString();
  const { SubnetLen } = JSON.parse(text) as { readonly SubnetLen?: number };
  return SubnetLen ?? 24;
}
