// What carries out the traffic rules of all networks of a daemon on one host: one engine of each kind, one ear for
// changes, and what keeps the networks apart. It is where they are put together; it decides nothing about rules.

import type { Clock } from '../clock.js';
import type { Counters } from '../counters.js';
import type { OpenHeartbeat } from '../heartbeat.js';
import type { Logger } from '../logger.js';
import type { Cidr, Family } from '../subnet/cidr.js';
import type { ModeChoice } from './iptables/choose-mode.js';
import { IptablesEngine } from './iptables/engine.js';
import { listTable, removeUpstreamNft } from './iptables/upstream-nft.js';
import { upstreamProcesses } from './iptables/upstream-processes.js';
import { IsolationKeeper } from './isolation-keeper.js';
import type { Isolation } from './isolation.js';
import { NftEngine } from './nftables/engine.js';
import { NftIsolation } from './nftables/isolation-engine.js';
import { RuleHub } from './nftables/watch-hub.js';
import { watchRules, type RuleEvent } from './nftables/watch.js';
import { SharedLook } from './shared-look.js';
import { ToolRunner } from './tool.js';
import { Turns } from './turns.js';

export interface HostRulesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  /** Aborted when the process is to stop; see ToolRunner. */
  readonly signal?: AbortSignal;
  /** Tells the daemons of a host apart, in the name of the table between networks. */
  readonly suffix?: string;
  /** Follows the loop that keeps networks apart. */
  readonly heartbeat?: OpenHeartbeat;
  /** The runner of tools and the namespace to listen in; for tests. */
  readonly runner?: ToolRunner;
  readonly netns?: string;
}

/** The tools as one network uses them: RuleTools of flanneld. */
export interface NetworkTools {
  readonly nft: NftEngine;
  readonly iptables: IptablesEngine;
  readonly watch: (mode: ModeChoice['mode'], family: Family, changed: () => void) => () => void;
  readonly removeUpstream: () => Promise<void>;
}

export class HostRules {
  /** Keeps the networks apart that it is told of; its owner stops it. */
  readonly isolation: Isolation;
  readonly #options: HostRulesOptions;
  readonly #runner: ToolRunner;
  readonly #nft: NftEngine;
  readonly #iptables: IptablesEngine;
  readonly #hub: RuleHub;
  readonly #upstream = new SharedLook<string | undefined>();
  readonly #turns = new Turns(() => {
    this.#upstream.forget();
  });
  /** What each network has, and had by its former env file. */
  readonly #ranges = new Map<string, readonly Cidr[]>();

  constructor(options: HostRulesOptions) {
    const { logger, counters, suffix } = options;
    this.#options = options;
    this.#runner = options.runner ?? new ToolRunner(options);
    this.#nft = new NftEngine({ tool: this.#runner, logger, counters });
    this.#iptables = new IptablesEngine({
      runner: this.#runner,
      logger,
      primary: 'auto',
      rangesOf: (network) => this.#ranges.get(network) ?? [],
    });
    this.#hub = this.#openHub();
    const between = new NftIsolation({
      ...{ tool: this.#runner, logger, counters, family: 4 },
      ...(suffix === undefined ? {} : { suffix }),
    });
    const concerns = (event: RuleEvent): boolean => between.concerns(event);
    const watch = (changed: () => void): (() => void) => this.#hub.subscribe({ concerns, changed });
    this.isolation = new IsolationKeeper({ ...options, engine: between, watch });
  }

  /** The tools for a network with these ranges, former ones too. */
  tools(network: string, ranges: readonly Cidr[]): NetworkTools {
    this.#ranges.set(network, ranges);
    return {
      nft: this.#nft,
      iptables: this.#iptables,
      watch: (mode, family, changed) => {
        const inNft = this.#nft.interestOf(network, family);
        const concerns = (event: RuleEvent): boolean =>
          inNft(event) || (mode === 'iptables' && isIptables(event));
        return this.#hub.subscribe({ concerns, changed });
      },
      removeUpstream: () => this.#removeUpstream(ranges),
    };
  }

  /** One after another: each listing serves all who wait for one, and one removal is enough. */
  #removeUpstream(ranges: readonly Cidr[]): Promise<void> {
    const look = this.#upstream.ask();
    return this.#turns.run(async () => {
      const { removed } = await removeUpstreamNft({
        ...{ runner: this.#runner, logger: this.#options.logger, ranges },
        list: (table) => look(table, () => listTable(this.#runner, table)),
        upstreamProcesses: () => upstreamProcesses(process.pid),
      });
      if (removed.length > 0) this.#upstream.forget();
    });
  }

  #openHub(): RuleHub {
    const { clock, counters, logger, netns } = this.#options;
    const hub: RuleHub = new RuleHub({
      first: (event) => {
        this.#nft.heard(event);
      },
      open: (listener) =>
        watchRules({
          watches: (place) => hub.watches(place),
          listener,
          ...{ clock, counters, logger },
          ...(netns === undefined ? {} : { netns }),
        }),
    });
    return hub;
  }
}

/** The tables in which iptables-nft keeps our chains. */
function isIptables(event: RuleEvent): boolean {
  if (event.type !== 'table') return false;
  const { family, table, chain } = event;
  const ours =
    chain === undefined || chain.startsWith('FLANNEL-') || chain === 'POSTROUTING' || chain === 'FORWARD';
  return family.startsWith('ip') && (table === 'nat' || table === 'filter') && ours;
}
