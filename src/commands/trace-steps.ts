// The way of a packet on this host, step by step, as far as it comes: facts → steps. Pure. Which facts there are is
// trace-facts.ts; the tunnel to a peer is trace-tunnel.ts.

import { PROTOCOL } from '../kernel/kernel.js';
import { routeText } from '../kernel/text.js';
import type { Ip } from '../subnet/cidr.js';
import {
  linkOf,
  locate,
  routeFor,
  type TracedNetwork,
  type TraceFacts,
  type Whereabouts,
} from './trace-facts.js';
import { ok, stop, upStep, warn, type TraceStep } from './trace-step.js';
import { tunnelSteps } from './trace-tunnel.js';

export interface Trace {
  readonly src: Ip;
  readonly dst: Ip;
  readonly steps: readonly TraceStep[];
  /** Whether nothing that can be seen from here stops it. */
  readonly arrives: boolean;
}

/** Ends with the first step that stops the packet. */
export function traceSteps(src: Ip, dst: Ip, facts: TraceFacts): Trace {
  const steps: TraceStep[] = [];
  for (const next of way(src, dst, facts)) {
    steps.push(next);
    if (next.state === 'stop') return { src, dst, steps, arrives: false };
  }
  return { src, dst, steps, arrives: true };
}

function* way(src: Ip, dst: Ip, facts: TraceFacts): Generator<TraceStep> {
  const [from, to] = [locate(src, facts), locate(dst, facts)];
  const isOurs = ({ kind }: Whereabouts): boolean => kind === 'host' || kind === 'pod';
  yield placeStep('source', src, from);
  yield placeStep('destination', dst, to);
  if (isOurs(from)) yield* sending(src, dst, from, to, facts);
  else if (isOurs(to)) yield* receiving(src, dst, from, to, facts);
  else
    yield stop(
      'host',
      'neither address is this host’s or of a pod on it; run the command on the host of one of them',
    );
}

function placeStep(at: string, address: Ip, where: Whereabouts): TraceStep {
  switch (where.kind) {
    case 'host':
      return ok(at, `${address} is an address of this host`);
    case 'pod':
      return ok(at, `${address} is in this host’s subnet ${where.subnet} of network ${where.network.name}`);
    case 'remote': {
      const { subnet, publicIp, nodeId } = where.lease;
      const node = nodeId === '' ? '' : `, node ${nodeId}`;
      return ok(
        at,
        `${address} is in ${subnet} of network ${where.network.name}, leased by ${publicIp}${node}`,
      );
    }
    case 'unleased':
      return ok(at, `${address} is in the range of network ${where.network.name}`);
    case 'outside':
      return ok(at, `${address} is in no network of flanneld’s on this host`);
  }
}

function* sending(
  src: Ip,
  dst: Ip,
  from: Whereabouts,
  to: Whereabouts,
  facts: TraceFacts,
): Generator<TraceStep> {
  if (from.kind === 'pod') yield* podStep('pod', src, facts);
  if (to.kind === 'host') {
    yield ok('delivery', `${dst} is this host itself`);
    return;
  }
  if (from.kind === 'pod') yield* forwardSteps(from.network, to, facts);
  if (to.kind === 'unleased') {
    yield noLease(dst, to.network);
  } else if (to.kind === 'remote') {
    yield* reasonSteps(to.network);
    yield* tunnelSteps(dst, to.network, to.lease, facts);
  } else if (to.kind === 'pod') {
    yield* podStep('delivery', dst, facts);
  } else {
    yield* outsideSteps(dst, facts);
  }
}

function* receiving(
  src: Ip,
  dst: Ip,
  from: Whereabouts,
  to: Whereabouts,
  facts: TraceFacts,
): Generator<TraceStep> {
  if (from.kind === 'unleased') {
    yield noLease(src, from.network);
    return;
  }
  if (from.kind === 'remote') {
    const { network, lease } = from;
    const { admitted } = network;
    if (admitted?.has(lease.publicIp) === false) {
      yield stop(
        'peer filter',
        `${lease.publicIp} is not among the peers that may send into the tunnel of network ${network.name}`,
        'flanneld puts peers there as it learns of them: is it running? systemctl status flanneld',
      );
    } else if (admitted !== undefined)
      yield ok('peer filter', `${lease.publicIp} may send into the tunnel of network ${network.name}`);
  }
  if (to.kind === 'pod') {
    yield* forwardSteps(to.network, from, facts);
    yield* podStep('delivery', dst, facts);
  } else yield ok('delivery', `${dst} is this host itself`);
  yield warn('answers', `answers take their own way: flanneld trace ${dst} ${src}`);
}

/** The device that leads to pods. Whether the pod itself is there, only its neighbour entry tells. */
function* podStep(at: string, address: Ip, facts: TraceFacts): Generator<TraceStep> {
  const lookup = facts.lookups.get(address);
  const link = lookup === undefined ? undefined : linkOf(facts, lookup.link);
  if (link === undefined) {
    yield stop(
      at,
      `no route leads to ${address}: there is no bridge or pod with it`,
      'does a pod with this address run here?',
    );
    return;
  }
  const route = routeFor(facts, address);
  if (route === undefined || (route.dst.endsWith('/0') && !link.loopback)) {
    yield stop(
      at,
      `nothing on this host leads to ${address} but the default route`,
      'no pod has been started in the subnet, or the runtime does not use the env file',
    );
    return;
  }
  if (!link.up || !link.carrier) {
    yield stop(
      at,
      `${link.name}, which leads to ${address}, is ${link.up ? 'without carrier: no pod is attached' : 'down'}`,
    );
    return;
  }
  const entry = facts.neighbours.find(({ ip, link: index }) => ip === address && index === link.index);
  yield entry?.mac === undefined
    ? warn(
        at,
        `${link.name} leads to ${address}; the kernel has not heard from it`,
        `does the pod run? ping ${address}`,
      )
    : ok(at, `${link.name} leads to ${address}, which is known there as ${entry.mac}`);
}

/** What stands in the way of a packet that is forwarded between a pod and the rest of the world. */
function* forwardSteps(network: TracedNetwork, other: Whereabouts, facts: TraceFacts): Generator<TraceStep> {
  const { forwarding, apart } = facts;
  if (forwarding === '0') {
    yield stop(
      'forwarding',
      'this host does not forward: net.ipv4.ip_forward is 0',
      'sysctl -w net.ipv4.ip_forward=1',
    );
    return;
  }
  const theirs = 'network' in other && other.network.name !== network.name ? other.network : undefined;
  const known = (one: TracedNetwork, ranges: readonly string[]): boolean =>
    one.ranges.some((range) => ranges.includes(range));
  if (theirs !== undefined && known(network, apart.ranges) && known(theirs, apart.ranges)) {
    if (known(network, apart.isolated) || known(theirs, apart.isolated)) {
      yield stop(
        'isolation',
        `networks ${network.name} and ${theirs.name} are kept apart`,
        '"Isolated": false in the configs of both opens the way (docs/networks.md)',
      );
      return;
    }
  }
  for (const text of [...new Set([...network.dropping, ...(theirs?.dropping ?? [])])])
    yield stop('forward rules', text);
  yield ok('forward rules', 'the host forwards, and no chain that can be judged drops');
}

/** What flanneld itself knows to be wrong; the kernel then says whether it matters to this packet. */
function* reasonSteps({ name, isRunning, reasons, source }: TracedNetwork): Generator<TraceStep> {
  if (!isRunning)
    yield warn('flanneld', `no flanneld answers for network ${name}; its leases are known from ${source}`);
  for (const reason of reasons.slice(0, 5)) yield warn('flanneld', reason);
}

function noLease(address: Ip, { name, source }: TracedNetwork): TraceStep {
  return stop(
    'lease',
    `no node has a lease of a subnet with ${address} in network ${name}, by ${source}`,
    'is flanneld running on the host it should be on? flanneld leases list',
  );
}

/** By the host's own routes. */
function* outsideSteps(dst: Ip, facts: TraceFacts): Generator<TraceStep> {
  const lookup = facts.lookups.get(dst);
  const link = lookup === undefined ? undefined : linkOf(facts, lookup.link);
  if (link === undefined) {
    yield stop('route', `no route leads to ${dst}`, `ip route get ${dst}`);
    return;
  }
  yield upStep('route', link, `the host’s own route leads to ${dst}`);
  const route = routeFor(facts, dst);
  if (route?.protocol === PROTOCOL.flanneld)
    yield warn(
      'route',
      `${routeText(route, (index) => linkOf(facts, index)?.name ?? '')} is flanneld’s, and of no network that is known here`,
    );
}
