// What cleanup removes, as a list of steps in their order, and what it leaves and why. Pure: --dry-run prints the very
// list that is carried out.

import { posix } from 'node:path';
import { isolationSuffix } from '../flanneld/host-places.js';
import { planRemove } from '../kernel/iptables/plan.js';
import type { KernelOperation, Link, Route } from '../kernel/kernel.js';
import { PROTOCOL } from '../kernel/kernel.js';
import { ownerOf, ownsRoute } from '../kernel/ownership.js';
import { ownerOfTable } from '../kernel/nftables/left-tables.js';
import { operationText } from '../kernel/text.js';
import { familyOf } from '../subnet/cidr.js';
import type { HostFacts, LeaseFact } from './cleanup-facts.js';
import { leftNetworks, type LeftNetwork } from './cleanup-networks.js';
import { entrySteps, mergedRestore, withoutEntries } from './cleanup-rules.js';

/** What one step does. Carried out anew it finds nothing to do, and that is success. */
export type CleanupAct =
  | { readonly kind: 'kernel'; readonly operation: KernelOperation }
  | { readonly kind: 'nft'; readonly lines: readonly string[] }
  | { readonly kind: 'iptables'; readonly restore: string }
  /** A file, or a link; an env file's other name goes with it. */
  | { readonly kind: 'file'; readonly path: string }
  /** Only if it is empty. */
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'lease'; readonly lease: LeaseFact };

export interface CleanupStep {
  /** The object in words: `device flannel.1`. */
  readonly object: string;
  /** Empty for what is of no single network. */
  readonly network: string;
  readonly act: CleanupAct;
}

export interface CleanupPlan {
  readonly steps: readonly CleanupStep[];
  /** Networks that a living daemon runs, and which one. */
  readonly refused: readonly { readonly network: string; readonly reason: string }[];
  /** What looks like ours and stays, with the reason. */
  readonly left: readonly string[];
}

export interface CleanupWishes {
  /** Only this network. */
  readonly network: string | undefined;
  readonly keepState: boolean;
}

/** The env files first, so that nobody begins to use a network; then what carries packets, what filters them, leases, state. */
export function cleanupPlan(facts: HostFacts, { network: only, keepState }: CleanupWishes): CleanupPlan {
  const all = leftNetworks(facts);
  const asked = all.filter(({ name }) => only === undefined || name === only);
  const refused = asked.flatMap(({ name, runBy }) =>
    runBy === undefined ? [] : [{ network: name, reason: runBy }],
  );
  const going = asked.filter(({ runBy }) => runBy === undefined);
  const staying = all.filter((one) => !going.includes(one));
  const links = facts.links.filter((link) => going.some(({ name }) => ownerOf(link) === name));
  const steps = [
    ...going.flatMap((one) => envSteps(facts, one)),
    ...routeSteps(facts, going, links),
    ...links.map((link) => kernelStep(facts, ownerOf(link) ?? '', deletion(link))),
    ...tableSteps(facts, going, staying, only !== undefined),
    ...iptablesSteps(facts, going),
    ...going.flatMap(({ name }) =>
      facts.leases.filter(({ network }) => network === name).map((lease) => leaseStep(lease)),
    ),
    ...(keepState ? [] : going.flatMap(({ name }) => stateSteps(facts, name))),
    ...going.flatMap(({ name }) => statusSteps(facts, name)),
    ...going.flatMap((one) => useSteps(facts, one)),
    ...(only === undefined ? strayFileSteps(facts, staying) : []),
  ];
  return { steps, refused, left: [...facts.unseen, ...leftOver(facts, all, going, only)] };
}

function envSteps({ envs }: HostFacts, { name, envFiles }: LeftNetwork): readonly CleanupStep[] {
  return envs
    .filter(({ path }) => envFiles.includes(path))
    .map(({ path }) => fileStep(name, `env file ${path}`, path));
}

/** Routes on devices of ours go with them. */
function routeSteps(
  facts: HostFacts,
  going: readonly LeftNetwork[],
  links: readonly Link[],
): readonly CleanupStep[] {
  const own = new Set(links.map(({ index }) => index));
  return facts.routes.flatMap((route) => {
    if (route.link !== undefined && own.has(route.link)) return [];
    const owner = going.find(({ name, ranges }) => ownsRoute({ network: name, ranges }, own, route));
    return owner === undefined
      ? []
      : [kernelStep(facts, owner.name, { kind: 'route', verb: 'delete', route })];
  });
}

function deletion({ index }: Link): KernelOperation {
  return { kind: 'link', verb: 'delete', index };
}

function kernelStep({ links, routes }: HostFacts, network: string, operation: KernelOperation): CleanupStep {
  const name = (index: number): string => links.find((link) => link.index === index)?.name ?? `link ${index}`;
  const what = operationText(operation, name).replace(/^link /, 'device ');
  const on = operation.kind === 'link' && operation.verb === 'delete' ? routesOn(routes, operation.index) : 0;
  return {
    network,
    object: on === 0 ? what : `${what}, with ${on} ${on === 1 ? 'route' : 'routes'} and what else is on it`,
    act: { kind: 'kernel', operation },
  };
}

function routesOn(routes: readonly Route[], index: number): number {
  return routes.filter(({ link, protocol }) => link === index && protocol !== PROTOCOL.kernel).length;
}

/** The tables of the networks; the one between networks when none of its daemon's is left. */
function tableSteps(
  { tables, filter }: HostFacts,
  going: readonly LeftNetwork[],
  staying: readonly LeftNetwork[],
  isOne: boolean,
): readonly CleanupStep[] {
  const names = going.map(({ name }) => name);
  const known = [...names, ...staying.map(({ name }) => name)];
  const own = tables.flatMap((table): readonly CleanupStep[] => {
    const owner = ownerOfTable(table, known);
    const goes =
      owner.kind === 'network'
        ? names.includes(owner.network)
        : owner.kind === 'isolation' &&
          !isolates(owner.suffix, staying, true) &&
          (!isOne || isolates(owner.suffix, going, false));
    if (!goes) return [];
    const object = `nft table ${table.family} ${table.name}`;
    const network = owner.kind === 'network' ? owner.network : '';
    return [{ network, object, act: { kind: 'nft', lines: [`delete table ${table.family} ${table.name}`] } }];
  });
  return [...own, ...entrySteps(filter, going)];
}

/** Whether one of these networks can be of the daemon that has this table; isolationSuffix() makes it. */
function isolates(suffix: string, networks: readonly LeftNetwork[], unknown: boolean): boolean {
  return networks.some(({ prefix }) => {
    if (prefix === undefined) return unknown;
    const places = [prefix, posix.dirname(posix.join('/', prefix))];
    return suffix === '' || places.some((place) => isolationSuffix(place) === suffix);
  });
}

function iptablesSteps(
  { iptables, filter }: HostFacts,
  going: readonly LeftNetwork[],
): readonly CleanupStep[] {
  if (iptables === undefined) return [];
  const listing = withoutEntries(iptables, filter, going);
  const plans = going
    .filter(({ ranges }) => ranges.length > 0)
    .map(({ name, ranges }) => planRemove(listing, name, ranges, ['nat', 'filter']).text);
  return mergedRestore(plans).map(({ table, lines, restore }) => ({
    network: '',
    object: `iptables table ${table}: ${lines.join('; ')}`,
    act: { kind: 'iptables', restore },
  }));
}

function leaseStep(lease: LeaseFact): CleanupStep {
  return {
    network: lease.network,
    object: `lease of ${lease.subnet} in etcd (${lease.prefix})`,
    act: { kind: 'lease', lease },
  };
}

function stateSteps({ states }: HostFacts, name: string): readonly CleanupStep[] {
  return states
    .filter(({ network }) => network === name)
    .flatMap(({ files, folder, others }) => [
      ...files.map((path) => fileStep(name, `state file ${path}`, path)),
      ...(others.length > 0 ? [] : [folderStep(name, `state folder ${folder}`, folder)]),
    ]);
}

function statusSteps({ statuses }: HostFacts, name: string): readonly CleanupStep[] {
  return statuses
    .filter(({ network }) => network === name)
    .map(({ path }) => fileStep(name, `status file ${path}`, path));
}

/** Records of pods that are gone. Those of pods that live are needed to take them away. */
function useSteps({ uses }: HostFacts, { name, envFiles }: LeftNetwork): readonly CleanupStep[] {
  return envFiles
    .flatMap((file) => uses.get(file) ?? [])
    .filter(({ gone }) => gone)
    .map(({ path, pod }) => fileStep(name, `record ${path} of pod ${pod}, which is gone`, path));
}

function strayFileSteps(
  { staleSockets, leftovers }: HostFacts,
  staying: readonly LeftNetwork[],
): readonly CleanupStep[] {
  return [
    ...staleSockets.map((path) => fileStep('', `${path}, of a socket to which nobody listens`, path)),
    // A daemon that lives may just be writing one.
    ...(staying.length > 0 ? [] : leftovers.map((path) => fileStep('', `temporary file ${path}`, path))),
  ];
}

function fileStep(network: string, object: string, path: string): CleanupStep {
  return { network, object, act: { kind: 'file', path } };
}

function folderStep(network: string, object: string, path: string): CleanupStep {
  return { network, object, act: { kind: 'folder', path } };
}

/** What somebody who looks for ours would stumble over. */
function leftOver(
  { links, routes, tables, states, uses, envs }: HostFacts,
  all: readonly LeftNetwork[],
  going: readonly LeftNetwork[],
  only: string | undefined,
): readonly string[] {
  const name = (index: number): string => links.find((link) => link.index === index)?.name ?? `link ${index}`;
  const named = all.map((one) => one.name);
  const pods = going.flatMap(({ envFiles }) => envFiles.flatMap((file) => uses.get(file) ?? []));
  const ofGoing = [
    ...pods
      .filter(({ gone }) => !gone)
      .map(({ pod }) => `pod ${pod} still lives: its record stays, and it loses this network`),
    ...states
      .filter(({ network, others }) => others.length > 0 && going.some((one) => one.name === network))
      .map(
        ({ folder, others }) =>
          `folder ${folder} stays: it holds ${others.slice(0, 3).join(', ')}, which is not ours`,
      ),
  ];
  if (only !== undefined) return ofGoing;
  const owned = new Set(links.filter((link) => ownerOf(link) !== undefined).map(({ index }) => index));
  return [
    ...ofGoing,
    ...links
      .filter((link) => /^flannel[.\d-]/.test(link.name) && ownerOf(link) === undefined)
      .map((link) => `device ${link.name} stays: it has no alias of flanneld’s, so it is somebody else’s`),
    ...routes
      .filter((route) => isStrange(route, owned, all))
      .map(
        (route) =>
          `${operationText({ kind: 'route', verb: 'delete', route }, name)} stays: it has our protocol number, and lies in no range that is known here`,
      ),
    ...tables.flatMap((table) => {
      const owner = ownerOfTable(table, named);
      return owner.kind === 'foreign'
        ? [`nft table ${table.family} ${table.name} stays: ${owner.reason}`]
        : [];
    }),
    ...envs
      .filter(({ path }) => !all.some(({ envFiles }) => envFiles.includes(path)))
      .map(({ path }) => `env file ${path} stays: no status file of flanneld’s says that it wrote it`),
  ];
}

function isStrange(route: Route, owned: ReadonlySet<number>, all: readonly LeftNetwork[]): boolean {
  if (route.protocol !== PROTOCOL.flanneld || (route.link !== undefined && owned.has(route.link)))
    return false;
  const family = familyOf(route.dst);
  return !all.some(({ name, ranges }) =>
    ownsRoute({ network: name, ranges: ranges.filter((range) => familyOf(range) === family) }, owned, route),
  );
}
