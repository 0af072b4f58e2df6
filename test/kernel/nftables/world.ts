// What the tests of the nftables engine share: rules of an example network, an engine in a namespace that records
// its commands, and the way from one namespace to another.

import type { ExecutionContext } from 'ava';
import { systemClock } from '../../../src/clock.js';
import { Counters } from '../../../src/counters.js';
import { NftEngine } from '../../../src/kernel/nftables/engine.js';
import type { WantedRules } from '../../../src/kernel/rules.js';
import { ToolRunner } from '../../../src/kernel/tool.js';
import { cidr, ip } from '../../../src/subnet/cidr.js';
import { hasRoot, Netns } from '../../helpers/netns.js';
import { RecordingLogger } from '../../helpers/recording-logger.js';

export const PEERS = ['192.168.50.2', '192.168.50.3'];

/** The network of appendix C of the behaviour notes, with a VXLAN tunnel and two peers. */
export function rules(change: Partial<WantedRules> = {}): WantedRules {
  return {
    network: 'blue',
    family: 4,
    range: cidr('10.5.0.0/16'),
    subnet: cidr('10.5.50.0/24'),
    masquerade: { fullyRandom: true },
    forward: true,
    filter: 'on',
    tunnel: { device: 'flannel.1', port: 8472, vni: 1 },
    peers: new Set(PEERS.map(ip)),
    ...change,
  };
}

export interface NftWorld {
  readonly netns: Netns;
  readonly engine: NftEngine;
  readonly tool: ToolRunner;
  readonly counters: Counters;
  readonly logger: RecordingLogger;
  /** The commands run since the last call. */
  readonly commands: () => readonly string[];
  /** Feeds nft with lines, as an administrator would. */
  readonly nft: (...lines: readonly string[]) => Promise<void>;
  /** A second engine without memory: the daemon after a restart. */
  readonly restarted: () => NftEngine;
}

export function nftWorldIn(netns: Netns): NftWorld {
  const logger = new RecordingLogger();
  const counters = new Counters();
  const log: string[] = [];
  const tool = new ToolRunner({
    clock: systemClock,
    logger,
    wrap: ['nsenter', `--net=${netns.path}`],
    onSpawn: (command, args) => log.push([command, ...args].join(' ')),
  });
  const restarted = (): NftEngine => new NftEngine({ tool, logger, counters });
  return {
    netns,
    engine: restarted(),
    tool,
    counters,
    logger,
    restarted,
    commands: () => log.splice(0),
    nft: async (...lines) => {
      await nftIn(netns, lines.join('; '));
    },
  };
}

/** Runs the body with an engine in a fresh namespace; passes with a word where there is no root. */
export async function withNft(t: ExecutionContext, body: (world: NftWorld) => Promise<void>): Promise<void> {
  if (!hasRoot(t)) return;
  const netns = await Netns.create();
  try {
    await body(nftWorldIn(netns));
  } finally {
    await netns.close();
  }
}

/** Joins two namespaces with a veth pair and gives each end, named `name`, its address. */
export async function wire(
  a: Netns,
  b: Netns,
  name: string,
  addressA: string,
  addressB: string,
): Promise<void> {
  const pid = /^\/proc\/(\d+)\//.exec(b.path)?.[1] ?? '';
  await a.sh(`ip link add ${name} type veth peer name ${name} netns ${pid}`);
  await a.sh(`ip addr add ${addressA} dev ${name}`);
  await b.sh(`ip addr add ${addressB} dev ${name}`);
  await a.sh(`ip link set ${name} up`);
  await b.sh(`ip link set ${name} up`);
}

export async function pings(from: Netns, to: string): Promise<boolean> {
  return from.sh(`ping -n -c 1 -W 1 ${to}`).then(
    () => true,
    () => false,
  );
}

/** Runs nft with these words; by this PATH, since npm puts a program of that name into its own. */
export function nftIn(netns: Netns, ...words: readonly string[]): Promise<string> {
  return netns.exec('env', 'PATH=/usr/sbin:/sbin:/usr/bin:/bin', 'nft', ...words);
}

/** What `nft list …` prints. */
export function listed(netns: Netns, what: string): Promise<string> {
  return nftIn(netns, 'list', ...what.split(' '));
}
