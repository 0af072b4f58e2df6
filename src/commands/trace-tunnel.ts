// The part of a trace from this host to a peer: route, device, neighbour, FDB entry, the underlay, and what probes say of
// the peer. Pure. Where it leads before and after is trace-steps.ts.

import { encapsulation } from '../backends/encapsulation.js';
import { PROTOCOL, type Link, type Route } from '../kernel/kernel.js';
import { fdbText, neighbourText, routeText } from '../kernel/text.js';
import type { Ip } from '../subnet/cidr.js';
import {
  deviceOf,
  linkOf,
  routeFor,
  type TracedLease,
  type TracedNetwork,
  type TraceFacts,
} from './trace-facts.js';
import { ok, stop, upStep, warn, type TraceStep } from './trace-step.js';

const RESTART = 'flanneld puts it back within a second while it runs: systemctl status flanneld';

export function* tunnelSteps(
  dst: Ip,
  network: TracedNetwork,
  lease: TracedLease,
  facts: TraceFacts,
): Generator<TraceStep> {
  const found = routeStep(dst, network, lease, facts);
  yield found.step;
  const { route, link } = found;
  if (route === undefined || link === undefined) return;
  const device = deviceOf(facts, network);
  if (device?.index !== link.index) {
    yield* directSteps(route, link, lease, facts);
  } else {
    yield upStep('device', link, `packets to ${lease.subnet} leave`);
    if (link.kind === 'vxlan') yield* vxlanSteps(route, link, lease, facts);
    else yield* engineSteps(network, link);
    yield* underlaySteps(link, lease, facts);
  }
  yield* peerSteps(lease);
}

interface Found {
  readonly step: TraceStep;
  readonly route?: Route;
  readonly link?: Link;
}

/** The route has to be the network's: over its device, or to the peer as the next hop. */
function routeStep(dst: Ip, network: TracedNetwork, lease: TracedLease, facts: TraceFacts): Found {
  const name = (index: number): string => linkOf(facts, index)?.name ?? `link ${index}`;
  const route = routeFor(facts, dst);
  if (route === undefined) return { step: stop('route', `no route leads to ${lease.subnet}`, RESTART) };
  const text = routeText(route, name);
  if (route.type !== 'unicast')
    return { step: stop('route', `"${text}" throws packets to ${dst} away`, `ip route delete ${text}`) };
  const link = route.link === undefined ? undefined : linkOf(facts, route.link);
  if (link === undefined)
    return { step: stop('route', `"${text}" leads to no single device`, `ip route delete ${text}`) };
  const isOurs = link.index === deviceOf(facts, network)?.index || route.gateway === lease.publicIp;
  if (!isOurs) {
    const why =
      route.dst === lease.subnet
        ? 'somebody else’s route is in its place'
        : 'the network’s own route is missing';
    return { step: stop('route', `packets to ${dst} go by "${text}": ${why}`, RESTART) };
  }
  const looked = facts.lookups.get(dst);
  if (looked === undefined || looked.link !== link.index) {
    const where = looked === undefined ? 'nowhere' : `over ${name(looked.link)}`;
    return {
      step: stop('route', `"${text}" is there, and a rule of the host leads ${dst} ${where}`, 'ip rule list'),
    };
  }
  const isMarked = route.protocol === PROTOCOL.flanneld;
  const step = isMarked
    ? ok('route', text)
    : warn('route', `"${text}" leads the right way, and is not flanneld’s`);
  return { step, route, link };
}

function* directSteps(route: Route, link: Link, lease: TracedLease, facts: TraceFacts): Generator<TraceStep> {
  yield upStep('device', link, `packets to ${lease.subnet} go to the peer ${lease.publicIp} as they are,`);
  const gateway = route.gateway ?? lease.publicIp;
  const entry = facts.neighbours.find(({ ip, link: index }) => ip === gateway && index === link.index);
  yield entry?.mac === undefined
    ? warn(
        'neighbour',
        `the kernel does not know the MAC address of ${gateway} on ${link.name}; it asks when a packet is sent`,
        `ping ${gateway}`,
      )
    : ok(
        'neighbour',
        neighbourText(entry, () => link.name),
      );
}

function* vxlanSteps(route: Route, link: Link, lease: TracedLease, facts: TraceFacts): Generator<TraceStep> {
  const { gateway } = route;
  const name = (): string => link.name;
  const entry = facts.neighbours.find(({ ip, link: index }) => ip === gateway && index === link.index);
  if (gateway === undefined || entry?.mac === undefined) {
    yield stop('neighbour', `${link.name} has no neighbour entry of ${gateway ?? lease.subnet}`, RESTART);
    return;
  }
  const { mac } = entry;
  if (lease.mac !== undefined && mac !== lease.mac) {
    yield stop('neighbour', `${neighbourText(entry, name)}, and the peer’s lease says ${lease.mac}`, RESTART);
    return;
  }
  yield entry.permanent
    ? ok('neighbour', neighbourText(entry, name))
    : warn(
        'neighbour',
        `${neighbourText(entry, name)} is not permanent: it was learned, not put there by flanneld`,
      );
  const entries = facts.fdb.filter(
    (one) => one.mac === mac && one.link === link.index && one.dst !== undefined,
  );
  const right = entries.find(({ dst }) => dst === lease.publicIp);
  if (right !== undefined) yield ok('fdb', fdbText(right, name));
  else if (entries[0] !== undefined)
    yield stop(
      'fdb',
      `${fdbText(entries[0], name)}: another host than the lease’s ${lease.publicIp}`,
      RESTART,
    );
  else yield stop('fdb', `${link.name} has no FDB entry of ${mac}: it does not know to which host`, RESTART);
}

function* engineSteps({ name, isRunning }: TracedNetwork, link: Link): Generator<TraceStep> {
  yield isRunning
    ? ok('engine', `flanneld’s packet engine takes them from ${link.name}`)
    : stop(
        'engine',
        `${link.name} is a TUN, and no flanneld answers that would carry packets of network ${name}`,
        'systemctl start flanneld',
      );
}

/** The way that the encapsulated packet takes. */
function* underlaySteps(device: Link, { publicIp }: TracedLease, facts: TraceFacts): Generator<TraceStep> {
  const lookup = facts.lookups.get(publicIp);
  const link = lookup === undefined ? undefined : linkOf(facts, lookup.link);
  if (link === undefined) {
    yield stop('underlay', `no route of the host leads to ${publicIp}`, `ip route get ${publicIp}`);
    return;
  }
  if (link.index === device.index) {
    yield stop(
      'underlay',
      `the route to ${publicIp} leads into the tunnel itself`,
      `ip route get ${publicIp}`,
    );
    return;
  }
  yield upStep(
    'underlay',
    link,
    `${publicIp} is reached${lookup?.gateway === undefined ? '' : ` by way of ${lookup.gateway}`}`,
  );
  const overhead = encapsulation(device.kind === 'vxlan' ? 'vxlan' : 'udp', 4);
  if (device.mtu + overhead > link.mtu) {
    yield warn(
      'mtu',
      `full packets stop here: ${device.name} takes ${device.mtu} bytes, and with ${overhead} more they do not fit into the ${link.mtu} of ${link.name}`,
      `"MTU": ${link.mtu} in Backend of the network config, or a larger MTU of ${link.name}`,
    );
  }
}

/** What the mesh probe has found out about the peer. */
function* peerSteps({ publicIp, probe }: TracedLease): Generator<TraceStep> {
  if (probe === undefined || probe.verdict === 'unknown') {
    yield warn('peer', `whether ${publicIp} answers is not known from here`, `ping ${publicIp}`);
    return;
  }
  const since = `since ${probe.since}`;
  switch (probe.verdict) {
    case 'reachable':
      yield ok(
        'peer',
        `${publicIp} answers through the overlay${probe.overlay.rttMs === undefined ? '' : ` in ${probe.overlay.rttMs.toFixed(1)} ms`}`,
      );
      return;
    case 'unreachable':
      yield stop(
        'peer',
        `${publicIp} answers neither through the overlay nor beside it, ${since}: it is down, or cut off`,
      );
      return;
    case 'filtered':
      yield stop(
        'peer',
        `${publicIp} answers beside the overlay and not through it, ${since}: its port is filtered${probe.lost === undefined ? '' : ` (lost: ${probe.lost})`}`,
        'flanneld doctor',
      );
      return;
    case 'path-mtu':
      yield warn(
        'peer',
        `full packets do not come through to ${publicIp}, ${since}${probe.pathMtu === undefined ? '' : `: no more than ${probe.pathMtu} bytes`}`,
        'flanneld doctor',
      );
  }
}
