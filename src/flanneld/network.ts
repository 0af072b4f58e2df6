// One network from start to stop: config → lease → backend → peers → env file → ready, then kept so.
// It knows nothing of other networks, of signals or of the process; daemon.ts supervises it.

import type { OpenedBackend, RouteTo } from '../backends/backend.js';
import type { Problem } from '../kernel/problem.js';
import { Reconciler } from '../kernel/reconciler.js';
import type { Cidr, Ip } from '../subnet/cidr.js';
import type { LeaseHold } from '../subnet/lease-hold.js';
import { LeaseManager } from '../subnet/lease-manager.js';
import type { LeaseRecord } from '../subnet/lease.js';
import { watchLeases } from '../subnet/lease-watch.js';
import { abortable } from '../subnet/retry.js';
import { FatalError } from './errors.js';
import type { InterfaceWishes } from './external-interface.js';
import { followHostRoutes } from './host-routes.js';
import { openDataplane } from './network-dataplane.js';
import { readPrevious, writeEnv } from './network-env.js';
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
import type { PreviousEnv } from './subnet-env.js';

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
  readonly #peers: Peers;
  readonly #fatal = new AbortController();
  /** Aborted when the network is to stop, or, with the FatalError to end with, cannot go on. */
  readonly #end: AbortSignal;

  constructor(parts: SetupParts, options: NetworkOptions, stops: Stops, signal: AbortSignal) {
    this.#parts = parts;
    this.#options = options;
    this.#stops = stops;
    this.#end = AbortSignal.any([signal, this.#fatal.signal]);
    this.#peers = new Peers(parts.logger, parts.counters);
  }

  async run(): Promise<void> {
    const end = this.#end;
    const previous = await readPrevious(this.#parts, this.#options);
    const setup = await setUp(this.#parts, this.#options, end);
    this.#describe(setup);
    const prepared = prepareRules(this.#parts, knownRanges(setup, previous));
    const leases = new LeaseManager({ ...this.#parts });
    const publicIp = publicIpOf(setup);
    const own = await leases.acquire({
      config: setup.config,
      publicIp,
      ...(previous === undefined ? {} : { previous: previous.subnets }),
      attributes: (found) => setup.backend.attributes(found),
      signal: end,
    });
    const rules = await openNetworkRules(this.#parts, setup, own, this.#options, prepared, end);
    const reconciler = await this.#startReconciler(setup, previous, rules);
    const hold = this.#keep(leases, own, publicIp);
    const program = await this.#followPeers(setup.backend, own, hold, reconciler);
    await this.#programmed(reconciler, setup.backend, () => this.#avoid(setup.backend, rules, program));
    await masqueradeInForce(this.#parts, rules, this.#options.rules, end);
    await writeEnv(this.#parts, this.#options, setup, own, end);
    this.#parts.logger.info('network is ready', {
      subnet: own.key,
      publicIp: publicIpOf(setup),
      mtu: setup.backend.mtu,
    });
    this.#options.onReady();
    await cleanUpRules(this.#parts, rules);
    await abortable(new Promise<never>(() => undefined), end);
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
    // Closed after the reconciler has stopped: what stops first carries no packet.
    const engine = openDataplane(this.#parts, setup.backend, this.#stops, {
      lost: () => {
        reconciler.recheck();
      },
      failed: (error) => {
        this.#fatal.abort(error);
      },
    });
    const dataplane = engine === undefined ? {} : { dataplane: engine };
    const reconciler = new Reconciler({ kernel, clock, logger, counters, scope, ...gate, ...dataplane });
    await reconciler.start();
    this.#stops.add('reconciler', () => reconciler.stop());
    return reconciler;
  }

  /** Keeps the lease, and ends the network when another node has it. */
  #keep(leases: LeaseManager, own: LeaseRecord, publicIp: Ip): LeaseHold {
    const hold = leases.hold(
      own,
      { publicIp },
      {
        onLost: ({ reason, holder }) => {
          const node = holder.attributes.publicIps[4] ?? 'another node';
          const message = `lost the lease of ${own.key} to ${node}: ${reason}; start flanneld again to get another subnet`;
          this.#fatal.abort(new FatalError('lease-lost', message));
        },
      },
    );
    this.#stops.add('lease', () => {
      hold.stop();
    });
    return hold;
  }

  /** Programs the peers at each change of leases or routes. Resolves after the first listing, to doing so once more. */
  async #followPeers(
    backend: OpenedBackend,
    own: LeaseRecord,
    hold: LeaseHold,
    reconciler: Reconciler,
  ): Promise<() => void> {
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
    await abortable(first, this.#end);
    return program;
  }

  #withBlackhole(own: LeaseRecord, wanted: WantedKernel): WantedKernel {
    const subnet = own.subnets[4];
    return this.#options.blackhole && subnet !== undefined ? { ...wanted, blackholes: [subnet] } : wanted;
  }

  /**
   * Resolves when the own device is as wanted. A peer that fails does not keep the others from being used.
   * `avoid` is called while somebody else has the device's name; whether it has asked for another one.
   */
  async #programmed(
    reconciler: Reconciler,
    { usesDataplane }: OpenedBackend,
    avoid: () => Promise<boolean>,
  ): Promise<void> {
    // A setting is told and retried, but traffic flows without: /proc/sys is read-only in many containers. Routes are
    // the peers', but for the one that leads everything to a packet engine.
    const kinds = ['link', 'address', 'dataplane', 'state', ...(usesDataplane === true ? ['route'] : [])];
    const own = ({ kind }: Problem): boolean => kinds.includes(kind);
    const taken = ({ kind, code }: Problem): boolean => kind === 'link' && code === 'collision';
    let state = await abortable(reconciler.settled(), this.#end);
    for (;;) {
      this.#end.throwIfAborted();
      const { problems } = state;
      const denied = problems.find((problem) => problem.code === 'denied');
      if (denied !== undefined) throw new FatalError('denied', denied.message);
      if (!problems.some(own)) return;
      const asked = problems.some(taken) && (await avoid());
      state = await abortable(asked ? reconciler.settled() : reconciler.nextPass(), this.#end);
    }
  }

  /** Another name for the device, in the kernel and in the rules; whether there is one. */
  async #avoid(
    backend: OpenedBackend,
    rules: TrafficRules | undefined,
    program: () => void,
  ): Promise<boolean> {
    const { kernel, logger, counters } = this.#parts;
    try {
      if (backend.avoid?.(await kernel.links()) !== true) return false;
    } catch (error) {
      counters.increment('waitRetries');
      logger.warn('the devices cannot be listed, keeping the name for now', { err: error });
      return false;
    }
    logger.info('somebody took the name of the device, going on with another', {
      object: backend.description,
    });
    if (backend.tunnel !== undefined) await rules?.keeper.retarget(backend.tunnel);
    program();
    return true;
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
