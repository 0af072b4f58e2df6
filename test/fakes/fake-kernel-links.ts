// FakeKernel's rules for links, after what Linux 6.18 does: what is refused, and what falls with a link.

import {
  txChecksumSetting,
  type Link,
  type LinkChange,
  type Mac,
  type NewLink,
  type Vxlan,
} from '../../src/kernel/kernel.js';
import { addConnectedRoutes, flushAddresses, flushNeighbours } from './fake-kernel-entries.js';
import { flushRoutes } from './fake-kernel-routes.js';
import { Refused, type FakeState } from './fake-kernel-state.js';

export function createLink(state: FakeState, link: NewLink): void {
  checkNew(state, link);
  const index = state.nextIndex;
  const most = link.vxlan === undefined ? undefined : checkVxlan(state, link.vxlan);
  const created: Link = {
    index,
    name: link.name,
    // A larger MTU is cut to what the parent carries, without a word.
    mtu: Math.min(link.mtu ?? most ?? 1500, most ?? 65535),
    up: false,
    carrier: false,
    loopback: false,
    ...kindOf(link, index),
  };
  state.nextIndex++;
  // The event of the creation has no alias yet, and setting it on a link that is down is no event.
  state.links.set(index, link.alias === undefined ? created : { ...created, alias: link.alias });
  state.tellLink(created);
  state.settings.set(`net/ipv6/conf/${link.name}/accept_ra`, '1');
  state.settings.set(txChecksumSetting(link.name), 'on');
}

function checkNew(state: FakeState, link: NewLink): void {
  if (link.name === '' || link.name.length > 15)
    throw new Refused('ERANGE', 'Attribute failed policy validation');
  checkMtu(link.mtu);
  if (link.vxlan !== undefined && link.vxlan.vni >= 1 << 24) {
    throw new Refused('ERANGE', 'VXLAN ID must be lower than 16777216');
  }
  if ([...state.links.values()].some(({ name }) => name === link.name)) throw new Refused('EEXIST');
}

function kindOf({ kind, vxlan, tun, ...link }: NewLink, index: number): Partial<Link> {
  // A TUN carries IP packets, and has no address below them.
  if (tun !== undefined) return { kind: 'tun', tun: { ...tun, type: 'tun', persistent: true } };
  const mac = link.mac ?? (`02:00:00:00:00:${index.toString(16).padStart(2, '0')}` as Mac);
  if (vxlan !== undefined) return { kind: 'vxlan', mac, vxlan };
  return kind === undefined ? { mac } : { kind, mac };
}

/** Returns the largest MTU the parent leaves. */
function checkVxlan(state: FakeState, vxlan: Vxlan): number | undefined {
  const parent = vxlan.parent === 0 ? undefined : state.links.get(vxlan.parent);
  if (vxlan.parent !== 0 && parent === undefined) {
    throw new Refused('ENODEV', 'Invalid local interface, device not found');
  }
  const taken = [...state.links.values()].some(
    ({ vxlan: other }) =>
      other?.vni === vxlan.vni &&
      other.port === vxlan.port &&
      other.gbp === vxlan.gbp &&
      isV6(other) === isV6(vxlan),
  );
  if (taken) throw new Refused('EEXIST', 'A VXLAN device with the specified VNI already exists');
  return parent === undefined ? undefined : parent.mtu - overhead(vxlan);
}

function isV6(vxlan: Vxlan): boolean {
  return (vxlan.local ?? vxlan.group ?? '').includes(':');
}

/** Outer IP, UDP, VXLAN and inner Ethernet headers. */
function overhead(vxlan: Vxlan): number {
  return isV6(vxlan) ? 70 : 50;
}

function checkMtu(mtu: number | undefined): void {
  if (mtu !== undefined && (mtu < 68 || mtu > 65535)) {
    throw new Refused('EINVAL', 'MTU must be between 68 and 65535');
  }
}

export function changeLink(state: FakeState, index: number, change: LinkChange): void {
  const before = state.link(index);
  checkMtu(change.mtu);
  checkParentMtu(state, before, change.mtu);
  const { up, ...rest } = change;
  const after: Link = { ...before, ...rest };
  // An empty alias is how an alias is removed.
  if (after.alias === '') delete (after as { alias?: string }).alias;
  state.links.set(index, after);
  const newMac = after.mac !== before.mac;
  const newAlias = after.alias !== before.alias;
  if (newMac || after.mtu !== before.mtu || (newAlias && before.up)) state.tellLink(after);
  // A new MAC makes the neighbours of a link void, permanent ones too.
  if (newMac) flushNeighbours(state, index);
  if (up !== undefined && up !== before.up) setUp(state, index, up);
}

function checkParentMtu(state: FakeState, { vxlan }: Link, mtu: number | undefined): void {
  const parent = vxlan === undefined ? undefined : state.links.get(vxlan.parent);
  if (vxlan === undefined || parent === undefined || mtu === undefined) return;
  if (mtu > parent.mtu - overhead(vxlan)) throw new Refused('EINVAL');
}

/** A program attaches to a TUN, or lets go of it: a carrier comes or goes. */
export function attach(state: FakeState, index: number, attached: boolean): void {
  if (attached) state.attached.add(index);
  else state.attached.delete(index);
  setCarrier(state, index, attached);
}

/** What a device is connected to comes or goes. */
export function setCarrier(state: FakeState, index: number, connected: boolean): void {
  const link = state.link(index);
  const carrier = link.up && connected;
  if (link.carrier === carrier) return;
  state.links.set(index, { ...link, carrier });
  state.tellLink({ ...link, carrier });
}

function setUp(state: FakeState, index: number, up: boolean): void {
  const before = state.link(index);
  const carrier = up && (before.kind !== 'tun' || state.attached.has(index));
  const link = { ...before, up, carrier };
  state.links.set(index, link);
  state.tellLink(link);
  if (up) {
    addConnectedRoutes(state, index);
    return;
  }
  // IPv4 routes go without a word; IPv6 routes and addresses, and all neighbours, with events.
  flushRoutes(state, index);
  flushNeighbours(state, index);
  flushAddresses(state, index, (address) => address.address.includes(':'));
}

export function deleteLink(state: FakeState, index: number): void {
  const link = state.link(index);
  if (link.loopback) throw new Refused('EOPNOTSUPP');
  for (const [key, entry] of state.fdb) {
    if (entry.link !== index) continue;
    state.fdb.delete(key);
    state.tellFdb(entry, true);
  }
  if (link.up) setUp(state, index, false);
  flushNeighbours(state, index);
  flushAddresses(state, index, () => true);
  flushRoutes(state, index);
  state.links.delete(index);
  state.attached.delete(index);
  state.settings.delete(`net/ipv6/conf/${link.name}/accept_ra`);
  state.settings.delete(txChecksumSetting(link.name));
  state.tellLink({ ...link, up: false, carrier: false }, true);
  // What rides on it goes with it.
  for (const other of [...state.links.values()]) {
    if (other.vxlan?.parent === index && state.links.has(other.index)) deleteLink(state, other.index);
  }
}
