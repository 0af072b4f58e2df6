// Which networks flanneld had on this host, told from what is left of them, and whether a daemon still runs one. Pure.

import { ownerOf } from '../kernel/ownership.js';
import { rangeIn } from '../kernel/nftables/entry.js';
import { ownerOfTable } from '../kernel/nftables/left-tables.js';
import type { Cidr } from '../subnet/cidr.js';
import type { HostFacts } from './cleanup-facts.js';

export interface LeftNetwork {
  readonly name: string;
  /** Its place in etcd, where a status file or a snapshot tells it. */
  readonly prefix: string | undefined;
  /** What it has, or had: a route elsewhere is its own only inside of these. */
  readonly ranges: readonly Cidr[];
  /** Canonical paths of the env files that are its own. */
  readonly envFiles: readonly string[];
  /** Who runs it, and how that is ended; undefined where nobody does. */
  readonly runBy: string | undefined;
}

/** Sorted by name. */
export function leftNetworks(facts: HostFacts): readonly LeftNetwork[] {
  return namesIn(facts).map((name): LeftNetwork => {
    const status = facts.statuses.find(({ network }) => network === name);
    const state = facts.states.find(({ network }) => network === name);
    const envFiles = ownEnvFiles(facts, name);
    const env = facts.envs.filter(({ path }) => envFiles.includes(path));
    const table = facts.tables.flatMap((listed) => {
      const owner = ownerOfTable(listed, [name]);
      const range = owner.kind === 'network' && owner.network === name ? rangeIn(listed.listing) : undefined;
      return range === undefined ? [] : [range];
    });
    return {
      name,
      prefix: status?.prefix ?? state?.prefix,
      ranges: [...new Set([...env.flatMap(({ ranges }) => ranges), ...(state?.ranges ?? []), ...table])],
      envFiles,
      runBy: runBy(facts, name),
    };
  });
}

function namesIn({ links, statuses, envs, states, tables, daemons }: HostFacts): readonly string[] {
  const sure = [
    ...links.flatMap((link) => ownerOf(link) ?? []),
    ...statuses.map(({ network }) => network),
    ...envs.flatMap(({ network }) => network ?? []),
    ...states.map(({ network }) => network),
    ...daemons.flatMap(({ networks }) => networks.map(({ name }) => name)),
  ];
  const byTable = tables.flatMap((table) => {
    const owner = ownerOfTable(table, sure);
    return owner.kind === 'network' ? [owner.network] : [];
  });
  return [...new Set([...sure, ...byTable])].sort();
}

/** Those that its status file names, and the one that is named after it: no other is known to be ours. */
function ownEnvFiles({ statuses, envs }: HostFacts, name: string): readonly string[] {
  const said = statuses.filter(({ network }) => network === name).flatMap(({ subnetFiles }) => subnetFiles);
  const named = envs.filter(({ network }) => network === name).map(({ path }) => path);
  return [...new Set([...said, ...named])];
}

/** The lock of its state folder tells best, then a daemon that answers, then the process that wrote the status file. */
function runBy({ statuses, states, daemons }: HostFacts, name: string): string | undefined {
  const lockedBy = states.find(({ network }) => network === name)?.lockedBy;
  if (lockedBy !== undefined) return `${lockedBy}, which holds its state folder`;
  const daemon = daemons.find(({ networks }) => networks.some((network) => network.name === name));
  if (daemon !== undefined) return `process ${daemon.pid}, which answers at ${daemon.socket}`;
  const status = statuses.find(({ network }) => network === name);
  if (status === undefined || status.state === 'stopped') return undefined;
  if (status.liveness === 'alive') return `process ${status.pid}, which wrote ${status.path}`;
  if (status.liveness === 'gone' || states.some(({ network }) => network === name)) return undefined;
  return `process ${status.pid} of another pid namespace (a container?), which wrote ${status.path}: remove that file if it is gone`;
}
