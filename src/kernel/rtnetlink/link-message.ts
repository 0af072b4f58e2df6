// Links as rtnetlink messages: creating, changing, deleting, and reading what the kernel tells of them.

import type { Ip } from '../../subnet/cidr.js';
import type { Link, LinkChange, NewLink, Tun, Vxlan } from '../kernel.js';
import { LINK, type TunAttributes, type VxlanAttributes } from './attributes.js';
import { AF, IFF, NLM_F, RTEXT_FILTER_SKIP_STATS, RTM } from './constants.js';
import type { Chunk } from './reader.js';
import { IFINFOMSG, writeIfinfomsg } from './structs.js';
import type { MessageWriter } from './writer.js';

/** linux/if_tun.h; the other type, IFF_TAP, is 2. */
const IFF_TUN = 1;

/** Everything but the alias, which the kernel takes only for a link that exists (see writeFinish). No TUN can be made so. */
export function writeNewLink(writer: MessageWriter, link: NewLink): boolean {
  writer.begin(RTM.NEWLINK, NLM_F.REQUEST | NLM_F.ACK | NLM_F.CREATE | NLM_F.EXCL);
  writeIfinfomsg(writer, AF.UNSPEC, 0, 0, 0);
  LINK.write(writer, {
    address: link.mac,
    mtu: link.mtu,
    ifname: link.name,
    linkinfo:
      link.vxlan === undefined ? { kind: link.kind } : { kind: 'vxlan', vxlan: vxlanAttributes(link.vxlan) },
  });
  return writer.end();
}

// The order of the rows is that of `ip link add`.
function vxlanAttributes(vxlan: Vxlan): VxlanAttributes {
  return {
    link: vxlan.parent === 0 ? undefined : vxlan.parent,
    l2miss: vxlan.l2miss ? true : undefined,
    l3miss: vxlan.l3miss ? true : undefined,
    gbp: vxlan.gbp ? true : undefined,
    id: vxlan.vni,
    ...local(vxlan.local),
    ...remote(vxlan.group),
    learning: vxlan.learning,
    port: vxlan.port,
  };
}

function remote(group: Ip | undefined): VxlanAttributes {
  return group?.includes(':') === true ? { group6: group } : { group };
}

function local(address: Ip | undefined): VxlanAttributes {
  return address?.includes(':') === true ? { local6: address } : { local: address };
}

interface LinkFinish {
  readonly name: string;
  readonly mtu?: number | undefined;
  readonly alias?: string | undefined;
}

/** What is set on a link by its name, right after its creation, when its index is not known yet. */
export function writeFinish(writer: MessageWriter, { name, mtu, alias }: LinkFinish): boolean {
  writer.begin(RTM.NEWLINK, NLM_F.REQUEST | NLM_F.ACK);
  writeIfinfomsg(writer, AF.UNSPEC, 0, 0, 0);
  LINK.write(writer, { ifname: name, mtu, ifalias: alias });
  return writer.end();
}

export function writeLinkChange(writer: MessageWriter, index: number, change: LinkChange): boolean {
  writer.begin(RTM.NEWLINK, NLM_F.REQUEST | NLM_F.ACK);
  const mask = change.up === undefined ? 0 : IFF.UP;
  writeIfinfomsg(writer, AF.UNSPEC, index, change.up === true ? IFF.UP : 0, mask);
  LINK.write(writer, { address: change.mac, mtu: change.mtu, ifalias: change.alias });
  return writer.end();
}

/** Deletes by index. */
export function writeDeleteLink(writer: MessageWriter, index: number): boolean {
  writer.begin(RTM.DELLINK, NLM_F.REQUEST | NLM_F.ACK);
  writeIfinfomsg(writer, AF.UNSPEC, index, 0, 0);
  return writer.end();
}

/** Deletes by name, for a link we made a moment ago and whose index is not known yet. */
export function writeDeleteLinkNamed(writer: MessageWriter, name: string): boolean {
  writer.begin(RTM.DELLINK, NLM_F.REQUEST | NLM_F.ACK);
  writeIfinfomsg(writer, AF.UNSPEC, 0, 0, 0);
  LINK.write(writer, { ifname: name });
  return writer.end();
}

/** Asks for every link, without statistics. */
export function writeLinkDump(writer: MessageWriter): boolean {
  writer.begin(RTM.GETLINK, NLM_F.REQUEST | NLM_F.DUMP);
  writeIfinfomsg(writer, AF.UNSPEC, 0, 0, 0);
  LINK.write(writer, { extMask: RTEXT_FILTER_SKIP_STATS });
  return writer.end();
}

/**
 * The link an RTM_NEWLINK or RTM_DELLINK message is about. Undefined for a message that is not one of a link as
 * such: a bridge tells of its ports in messages of family AF_BRIDGE, where RTM_DELLINK means a port that left.
 */
export function readLink(chunk: Chunk, start: number, end: number): Link | 'other' | undefined {
  if (end - start < IFINFOMSG.SIZE) return undefined;
  if (chunk.u8(start + IFINFOMSG.family) !== AF.UNSPEC) return 'other';
  const values = LINK.read(chunk, start + IFINFOMSG.SIZE, end);
  if (values?.ifname === undefined) return undefined;
  const flags = chunk.u32(start + IFINFOMSG.flags);
  const { kind, vxlan, tun } = values.linkinfo ?? {};
  return {
    index: chunk.i32(start + IFINFOMSG.index),
    name: values.ifname,
    ...(kind !== undefined && { kind }),
    mtu: values.mtu ?? 0,
    up: (flags & IFF.UP) !== 0,
    carrier: (flags & IFF.UP) !== 0 && (flags & IFF.LOWER_UP) !== 0,
    loopback: (flags & IFF.LOOPBACK) !== 0,
    ...(values.address !== undefined && { mac: values.address }),
    ...(values.ifalias !== undefined && { alias: values.ifalias }),
    ...(kind === 'vxlan' && { vxlan: vxlanOf(vxlan ?? {}) }),
    ...(kind === 'tun' && { tun: tunOf(tun ?? {}) }),
  };
}

function tunOf(values: TunAttributes): Tun {
  return {
    type: values.type === IFF_TUN ? 'tun' : 'tap',
    multiQueue: values.multiQueue === true,
    persistent: values.persist === true,
  };
}

function vxlanOf(values: VxlanAttributes): Vxlan {
  const source = values.local ?? values.local6;
  const group = values.group ?? values.group6;
  return {
    vni: values.id ?? 0,
    parent: values.link ?? 0,
    ...(source !== undefined && { local: source }),
    ...(group !== undefined && { group }),
    port: values.port ?? 0,
    learning: values.learning === true,
    gbp: values.gbp === true,
    l2miss: values.l2miss === true,
    l3miss: values.l3miss === true,
  };
}
