// What `leases reserve`, `release` and `revoke` come to, by what the store shows: the change and its consequences in
// words, or why there is none. Pure; the change itself is a transaction of the store's.

import type { Ip } from '../subnet/cidr.js';
import { NO_ADDRESS } from '../subnet/identity.js';
import type { LeaseRecord } from '../subnet/lease.js';
import { describePresence, type Presence } from '../subnet/presence.js';
import { subnetText } from '../subnet/subnets.js';
import type { LeaseView, SubnetFacts } from './lease-subnet.js';
import { spanText } from './words.js';

export type LeaseChange =
  | { readonly kind: 'create'; readonly holder: Holder }
  | { readonly kind: 'make-lasting' | 'make-ending' | 'remove' | 'revoke'; readonly record: LeaseRecord }
  | { readonly kind: 'forget' };

export type LeaseAction =
  | { readonly kind: 'refused'; readonly text: string }
  | { readonly kind: 'already-so'; readonly text: string }
  | {
      readonly kind: 'do';
      readonly change: LeaseChange;
      readonly text: string;
      readonly consequences: readonly string[];
    };

/** For whom a subnet is kept; nobody, where both are absent. */
export interface Holder {
  readonly publicIp?: Ip;
  readonly nodeId?: string;
}

/** Keeps a subnet: for the holder, or for whoever has it now. */
export function reserveAction(facts: SubnetFacts, { alive }: LeaseView, holder: Holder): LeaseAction {
  const { record } = facts;
  const subnet = subnetText(facts.subnets);
  if (facts.unreadable !== undefined) return garbled(facts);
  if (record === undefined) {
    return {
      kind: 'do',
      change: { kind: 'create', holder },
      text: `reserve ${subnet} for ${holderText(holder)}`,
      consequences: isNobody(holder)
        ? ['No node gets it, and nobody uses it, until the reservation is released.']
        : [
            `Only ${holderText(holder)} gets it, at its next start or when it needs a subnet; a node that runs keeps the subnet it has until then.`,
            ...upstreamsWord(),
          ],
    };
  }
  const { nodeId, publicIps } = record.attributes;
  const other =
    (holder.nodeId !== undefined && holder.nodeId !== nodeId) ||
    (holder.publicIp !== undefined && holder.publicIp !== publicIps[4]);
  if (other)
    return refused(
      `${subnet} is ${stateText(record)} by ${ownerText(record, alive)}; release or revoke that first`,
    );
  if (record.etcdLease === 0n) {
    return { kind: 'already-so', text: `${subnet} is reserved for ${ownerText(record, alive)} already` };
  }
  return {
    kind: 'do',
    change: { kind: 'make-lasting', record },
    text: `reserve ${subnet} for its holder, ${ownerText(record, alive)}`,
    consequences: [
      'The node goes on with it; nothing changes for its pods. It keeps the subnet also while it is switched off.',
      ...upstreamsWord(),
    ],
  };
}

/** Turns a reservation back into a lease, or gives a subnet free that nobody uses. */
export function releaseAction(facts: SubnetFacts, view: LeaseView, ttlSeconds: number): LeaseAction {
  const { record } = facts;
  const subnet = subnetText(facts.subnets);
  if (facts.unreadable !== undefined) return garbled(facts);
  if (record === undefined) return forgetAction(facts);
  const life = lifeOf(record, view.alive);
  const owner = ownerText(record, view.alive);
  if (record.etcdLease === 0n) {
    if (life === 'nobody' || life === 'gone')
      return removal(record, `release the reservation of ${subnet} for ${owner}`);
    return {
      kind: 'do',
      change: { kind: 'make-ending', record },
      text: `turn the reservation of ${subnet} for ${owner} back into an ordinary lease`,
      consequences: [
        `The node keeps the subnet as long as it runs; if it does not, the subnet is free after ${spanText(ttlSeconds)}.`,
      ],
    };
  }
  if (life === 'alive') {
    return refused(
      `${owner} is alive and would claim ${subnet} again within seconds; stop its flanneld first, or take the subnet away with \`flanneld leases revoke\``,
    );
  }
  return removal(record, `end the lease of ${subnet} by ${owner}`, life);
}

/** Takes a subnet away from its node. */
export function revokeAction(facts: SubnetFacts, { alive }: LeaseView, markerSeconds: number): LeaseAction {
  const { record } = facts;
  const subnet = subnetText(facts.subnets);
  if (facts.unreadable !== undefined) return garbled(facts);
  if (record === undefined) return refused(`${subnet} has no lease; there is nothing to revoke`);
  const owner = ownerText(record, alive);
  const span = spanText(markerSeconds);
  return {
    kind: 'do',
    change: { kind: 'revoke', record },
    text: `revoke the ${record.etcdLease === 0n ? 'reservation' : 'lease'} of ${subnet} by ${owner}`,
    consequences: [
      revocationText(lifeOf(record, alive)),
      `Pods on ${subnet} are not reachable any more, and have to be started anew.`,
      `Another node may get the subnet at once; this one does not get it back for ${span}.`,
    ],
  };
}

function revocationText(life: Life): string {
  switch (life) {
    case 'alive':
      return 'The node is alive: with -on-lease-lost=exit (the default) its flanneld ends with code 3, and is given another subnet when it is started again; with reacquire it takes another one by itself.';
    case 'gone':
      return 'The node does not run: it gets another subnet at its next start.';
    case 'nobody':
      return 'It was kept for no node.';
    case 'unknown':
      return 'Whether the node runs is not known, since its lease has no node id: an upstream flanneld goes on as if nothing had happened until it is restarted. Stop it first.';
  }
}

function forgetAction({ key, subnets, used, revoked }: SubnetFacts): LeaseAction {
  const subnet = subnetText(subnets);
  if (used === undefined && revoked === undefined)
    return { kind: 'already-so', text: `${subnet} is free already` };
  const what = [
    ...(used === undefined ? [] : ['the memory that it was used']),
    ...(revoked === undefined ? [] : ['the marker of its revocation']),
  ].join(' and ');
  return {
    kind: 'do',
    change: { kind: 'forget' },
    text: `forget the past of ${subnet} (${key}): ${what}`,
    consequences: [
      revoked === undefined
        ? 'It counts as never used: a node that needs a subnet may get it at once. Do that only where no pod of its last node is left.'
        : 'The node it was taken from may claim it again.',
    ],
  };
}

function removal(record: LeaseRecord, text: string, life: Life = 'gone'): LeaseAction {
  return {
    kind: 'do',
    change: { kind: 'remove', record },
    text,
    consequences: [
      'The subnet is free at once and counts as never used; peers take their routes to it away.',
      ...(life === 'unknown'
        ? [
            'Whether its node runs is not known, since the lease has no node id: an upstream flanneld goes on using the subnet until it is restarted. Stop it first.',
          ]
        : []),
    ],
  };
}

/** What is known of a lease's node. Nodes of upstream's have no presence. */
type Life = 'alive' | 'gone' | 'unknown' | 'nobody';

function lifeOf({ attributes }: LeaseRecord, alive: ReadonlyMap<string, Presence>): Life {
  const { nodeId, publicIps } = attributes;
  if (nodeId !== undefined) return alive.has(nodeId) ? 'alive' : 'gone';
  return (publicIps[4] ?? NO_ADDRESS) === NO_ADDRESS ? 'nobody' : 'unknown';
}

function ownerText({ attributes }: LeaseRecord, alive: ReadonlyMap<string, Presence>): string {
  const { nodeId, publicIps } = attributes;
  const presence = nodeId === undefined ? undefined : alive.get(nodeId);
  const who = holderText({
    ...(nodeId === undefined ? {} : { nodeId }),
    publicIp: publicIps[4] ?? NO_ADDRESS,
  });
  return presence === undefined ? who : `${who} (${describePresence(presence)})`;
}

function holderText({ nodeId, publicIp = NO_ADDRESS }: Holder): string {
  if (nodeId !== undefined) return `node ${nodeId}${publicIp === NO_ADDRESS ? '' : ` at ${publicIp}`}`;
  return publicIp === NO_ADDRESS ? 'nobody' : `the node at ${publicIp}`;
}

function isNobody({ nodeId, publicIp = NO_ADDRESS }: Holder): boolean {
  return nodeId === undefined && publicIp === NO_ADDRESS;
}

function stateText({ etcdLease }: LeaseRecord): string {
  return etcdLease === 0n ? 'reserved' : 'leased';
}

function upstreamsWord(): readonly string[] {
  return ['Upstream’s flannel makes an ordinary lease of 24 h of a reservation when it starts.'];
}

function garbled({ key, unreadable }: SubnetFacts): LeaseAction {
  return refused(
    `the value at ${key} is no lease (${unreadable ?? ''}); look at it with etcdctl, and delete it there`,
  );
}

function refused(text: string): LeaseAction {
  return { kind: 'refused', text };
}
