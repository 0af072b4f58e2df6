// One network from start to stop: config → lease → backend → peers → env file → ready, then kept so.
// It knows nothing of other networks, of signals or of the process; daemon.ts supervises it.

import type { OpenedBackend, RouteTo } from '../backends/backend.js';
import type { Problem } from '../kernel/problem.js';
import { Reconciler } from '../kernel/reconciler.js';
import { sleep } from '../clock.js';
import type { Cidr, Ip } from '../subnet/cidr.js';
import type { LeaseHold } from '../subnet/lease-hold.js';
import { LeaseManager } from '../subnet/lease-manager.js';
import type { LeaseRecord } from '../subnet/lease.js';
import { watchLeases } from '../subnet/lease-watch.js';
import { abortable, WaitReport } from '../subnet/retry.js';
import { FatalError } from './errors.js';
import type { InterfaceWishes } from './external-interface.js';
import { followHostRoutes } from './host-routes.js';
import { setUp, type Setup, type SetupParts } from './network-setup.js';
import { Peers } from './peers.js';
import {
  cleanUpRules,
  masqueradeInForce,
  openNetworkRules,
  prepareRules,
  startRules,
} from './network-rules.js';
import type { RuleWishes, TrafficRules } from './traffic-rules.js';
import type { WantedKernel } from '../kernel/wanted.js';
import { Stops } from './stops.js';
import { linkAlias, readSubnetEnv, renderSubnetEnv, writeSubnetEnv, type PreviousEnv } from './subnet-env.js';

export interface NetworkOptions {
  /** Names the network's devices' alias, and its log lines. */
  readonly name: string;
  readonly subnetFile: string;
  /** Whether to keep the file's other name (subnets.env) beside it. */
  readonly alias: boolean;
  readonly wishes: InterfaceWishes;
  readonly rules: RuleWishes;
  /** Whether to keep a blackhole route for our own subnet (-ip-blackhole-route). */
  readonly blackhole: boolean;
  /** Called once, when pods can use the network. */
  readonly onReady: () => void;
}

const FILE_RETRY_MS = 5_000;

/**
 * Runs the network until the signal is aborted; then resolves, leaving kernel state, lease and env file as they are.
 * Rejects with FatalError when going on makes no sense: no interface, no privilege, the lease lost to another node.
 */
export async function runNetwork(
  parts: SetupParts,
  options: NetworkOptions,
  signal: AbortSignal,
): Promise<void> {
  const logger = parts.logger.child({ network: options.name });
  const stops = new Stops(logger);
  const network = new Network({ ...parts, logger }, options, stops, signal);
  try {
    await network.run();
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await stops.run();
  }
}

class Network {
  readonly #parts: SetupParts;
  readonly #options: NetworkOptions;
  readonly #stops: Stops;
  readonly #signal: AbortSignal;
  readonly #peers: Peers;

  constructor(parts: SetupParts, options: NetworkOptions, stops: Stops, signal: AbortSignal) {
    this.#parts = parts;
    this.#options = options;
    this.#stops = stops;
    this.#signal = signal;
    this.#peers = new Peers(parts.logger, parts.counters);
  }

  async run(): Promise<void> {
    const previous = await this.#readPrevious();
    const setup = await setUp(this.#parts, this.#options.wishes, this.#signal);
    this.#describe(setup);
    const prepared = prepareRules(this.#parts, knownRanges(setup, previous));
    const leases = new LeaseManager({ ...this.#parts });
    const publicIp = publicIpOf(setup);
    const own = await leases.acquire({
      config: setup.config,
      publicIp,
      ...(previous === undefined ? {} : { previous: previous.subnets }),
      attributes: (found) => setup.backend.attributes(found),
      signal: this.#signal,
    });
    const rules = await openNetworkRules(this.#parts, setup, own, this.#options, prepared, this.#signal);
    const reconciler = await this.#startReconciler(setup, previous, rules);
    const { hold, lost } = this.#keep(leases, own, publicIp);
    const end = AbortSignal.any([this.#signal, lost]);
    await this.#followPeers(setup.backend, own, hold, reconciler, end);
    await this.#programmed(reconciler, end);
    await masqueradeInForce(this.#parts, rules, this.#options.rules, end);
    await this.#writeEnv(setup, own, end);
    this.#parts.logger.info('network is ready', {
      subnet: own.key,
      publicIp: publicIpOf(setup),
      mtu: setup.backend.mtu,
    });
    this.#options.onReady();
    await cleanUpRules(this.#parts, rules);
    await abortable(new Promise<never>(() => undefined), end);
  }

  async #readPrevious(): Promise<PreviousEnv | undefined> {
    const { logger, counters } = this.#parts;
    const file = this.#options.subnetFile;
    try {
      return await readSubnetEnv(file);
    } catch (error) {
      counters.increment('waitRetries');
      logger.warn('the previous env file cannot be read, going on without it', { file, err: error });
      return undefined;
    }
  }

  #describe({ choice, backend, config }: Setup): void {
    const { logger } = this.#parts;
    for (const reason of choice.rejected) logger.info('interface not chosen', { reason });
    logger.info('interface chosen', {
      iface: choice.external.name,
      publicIp: choice.external.publicIps[4] ?? '',
      mtu: choice.external.mtu,
      reason: choice.reason,
    });
    logger.info('backend opened', {
      backend: config.backend.type,
      object: backend.description,
      mtu: backend.mtu,
    });
  }

  async #startReconciler(
    setup: Setup,
    previous: PreviousEnv | undefined,
    rules: TrafficRules | undefined,
  ): Promise<Reconciler> {
    const { kernel, clock, logger, counters } = this.#parts;
    const scope = { network: this.#options.name, ranges: knownRanges(setup, previous) };
    if (rules !== undefined) {
      this.#stops.add('traffic rules', () => rules.keeper.stop());
      startRules(this.#parts, rules);
    }
    const gate = rules === undefined ? {} : { gate: rules.keeper };
    const reconciler = new Reconciler({ kernel, clock, logger, counters, scope, ...gate });
    await reconciler.start();
    this.#stops.add('reconciler', () => reconciler.stop());
    return reconciler;
  }

  /** Keeps the lease; `lost` is aborted, with the FatalError to end with, when another node has it. */
  #keep(leases: LeaseManager, own: LeaseRecord, publicIp: Ip): { hold: LeaseHold; lost: AbortSignal } {
    const lost = new AbortController();
    const hold = leases.hold(
      own,
      { publicIp },
      {
        onLost: ({ reason, holder }) => {
          const node = holder.attributes.publicIps[4] ?? 'another node';
          const message = `lost the lease of ${own.key} to ${node}: ${reason}; start flanneld again to get another subnet`;
          lost.abort(new FatalError('lease-lost', message));
        },
      },
    );
    this.#stops.add('lease', () => {
      hold.stop();
    });
    return { hold, lost: lost.signal };
  }

  /** Programs the peers at each change of leases or routes. Resolves after the first listing. */
  async #followPeers(
    backend: OpenedBackend,
    own: LeaseRecord,
    hold: LeaseHold,
    reconciler: Reconciler,
    end: AbortSignal,
  ): Promise<void> {
    const { logger } = this.#parts;
    let all: ReadonlyMap<string, LeaseRecord> | undefined;
    let routeTo: RouteTo = () => undefined;
    // Nothing is wanted before the peers are known: an empty set would remove what a restart is to keep.
    const program = (): void => {
      const leases = all;
      if (leases !== undefined)
        reconciler.set(() => this.#withBlackhole(own, this.#peers.wanted(backend, own, leases, routeTo)));
    };
    if (backend.usesRoutes) {
      const routes = await followHostRoutes(this.#parts, (changed) => {
        routeTo = changed;
        program();
      });
      routeTo = routes.routeTo;
      this.#stops.add('host routes', () => {
        routes.stop();
      });
    }
    const first = new Promise<void>((resolve) => {
      const stop = watchLeases(this.#parts, {
        onChange: (change, current) => {
          all = current;
          hold.follow(change, current);
          program();
          resolve();
        },
        onState: (state, reason) => {
          logger.info('lease watch', { state, reason });
        },
      });
      this.#stops.add('lease watch', stop);
    });
    await abortable(first, end);
  }

  #withBlackhole(own: LeaseRecord, wanted: WantedKernel): WantedKernel {
    const subnet = own.subnets[4];
    return this.#options.blackhole && subnet !== undefined ? { ...wanted, blackholes: [subnet] } : wanted;
  }

  /** Resolves when the own device is as wanted. A peer that fails does not keep the others from being used. */
  async #programmed(reconciler: Reconciler, end: AbortSignal): Promise<void> {
    // A setting is told and retried, but traffic flows without: /proc/sys is read-only in many containers.
    const own = (problem: Problem): boolean => ['link', 'address', 'state'].includes(problem.kind);
    for (
      let state = await abortable(reconciler.settled(), end);
      ;
      state = await abortable(reconciler.nextPass(), end)
    ) {
      end.throwIfAborted();
      const denied = state.problems.find((problem) => problem.code === 'denied');
      if (denied !== undefined) throw new FatalError('denied', denied.message);
      if (!state.problems.some(own)) return;
    }
  }

  async #writeEnv({ backend, ranges }: Setup, own: LeaseRecord, end: AbortSignal): Promise<void> {
    const { subnetFile: file, alias } = this.#options;
    const { logger, clock } = this.#parts;
    const text = renderSubnetEnv({
      networks: ranges,
      subnets: own.subnets,
      mtu: backend.mtu,
      ipMasq: this.#options.rules.ipMasq,
    });
    const report = new WaitReport(this.#parts);
    for (;;) {
      try {
        await writeSubnetEnv(file, text);
        if (alias && !(await linkAlias(file))) {
          logger.warn('subnets.env beside the env file is not ours, left as it is', { file });
        }
        report.ended();
        return;
      } catch (error) {
        report.failed(`write ${file}`, error);
        await sleep(clock, FILE_RETRY_MS, end);
        end.throwIfAborted();
      }
    }
  }
}

/** The network's ranges, and those of the env file's life before: what is ours in either is ours. */
function knownRanges({ ranges }: Setup, previous: PreviousEnv | undefined): readonly Cidr[] {
  const current = [ranges[4], ranges[6]].filter((range) => range !== undefined);
  return [...current, ...(previous?.networks ?? [])];
}

/** The address by which a lease is known as ours; the choice of an interface ends with one. */
function publicIpOf({ choice }: Setup): Ip {
  const publicIp = choice.external.publicIps[4];
  if (publicIp === undefined)
    throw new FatalError('no-interface', `${choice.external.name} has no IPv4 address to announce`);
  return publicIp;
}
