// Neighbours and VXLAN forwarding entries as rtnetlink messages: one message type, told apart by the family.

import { familyOf } from '../../subnet/cidr.js';
import type { FdbEntry, Neighbour } from '../kernel.js';
import { NEIGHBOUR } from './attributes.js';
import { AF, NLM_F, NTF_SELF, NUD, RTM } from './constants.js';
import { afOf, familyOfAf } from './family.js';
import type { Chunk } from './reader.js';
import { NDMSG, writeNdmsg } from './structs.js';
import { verbFlags, type Verb } from './verbs.js';
import type { MessageWriter } from './writer.js';

export function writeNeighbour(writer: MessageWriter, verb: Verb, neighbour: Neighbour): boolean {
  begin(writer, verb);
  const state = neighbour.permanent ? NUD.PERMANENT : NUD.REACHABLE;
  writeNdmsg(writer, afOf(familyOf(neighbour.ip)), neighbour.link, state, 0);
  NEIGHBOUR.write(writer, { dst: neighbour.ip, lladdr: verb === 'delete' ? undefined : neighbour.mac });
  return writer.end();
}

/** NTF_SELF: the entry of the device itself, not of a bridge it may be a port of. */
export function writeFdbEntry(writer: MessageWriter, verb: Verb, entry: FdbEntry): boolean {
  begin(writer, verb);
  const state = entry.permanent ? NUD.PERMANENT | NUD.NOARP : NUD.REACHABLE;
  writeNdmsg(writer, AF.BRIDGE, entry.link, state, NTF_SELF);
  NEIGHBOUR.write(writer, { lladdr: entry.mac, dst: entry.dst });
  return writer.end();
}

function begin(writer: MessageWriter, verb: Verb): void {
  const type = verb === 'delete' ? RTM.DELNEIGH : RTM.NEWNEIGH;
  writer.begin(type, NLM_F.REQUEST | NLM_F.ACK | verbFlags(verb));
}

/** Asks for the neighbours of one link, of both families. Kernels before 4.20 may answer with other links' too. */
export function writeNeighbourDump(writer: MessageWriter, link: number): boolean {
  writer.begin(RTM.GETNEIGH, NLM_F.REQUEST | NLM_F.DUMP);
  writeNdmsg(writer, AF.UNSPEC, 0, 0, 0);
  NEIGHBOUR.write(writer, { ifindex: link });
  return writer.end();
}

/** Asks for the forwarding entries of one link. Kernels before 4.20 may answer with other links' too. */
export function writeFdbDump(writer: MessageWriter, link: number): boolean {
  writer.begin(RTM.GETNEIGH, NLM_F.REQUEST | NLM_F.DUMP);
  writeNdmsg(writer, AF.BRIDGE, link, 0, 0);
  return writer.end();
}

/** A neighbour, and whether `ip neigh` would hide it: an address that needs no resolution (multicast, loopback). */
export type ReadNeighbour =
  | { readonly kind: 'neighbour'; readonly neighbour: Neighbour; readonly noarp: boolean }
  | { readonly kind: 'fdb'; readonly entry: FdbEntry };

/** `other` for entries that are neither: a bridge's own forwarding table, other families. */
export function readNeighbour(chunk: Chunk, start: number, end: number): ReadNeighbour | 'other' | undefined {
  if (end - start < NDMSG.SIZE) return undefined;
  const af = chunk.u8(start + NDMSG.family);
  const bridge = af === AF.BRIDGE;
  if (!bridge && familyOfAf(af) === undefined) return 'other';
  if (bridge && (chunk.u8(start + NDMSG.flags) & NTF_SELF) === 0) return 'other';
  const values = NEIGHBOUR.read(chunk, start + NDMSG.SIZE, end);
  if (values === undefined) return undefined;
  const link = chunk.i32(start + NDMSG.index);
  const state = chunk.u16(start + NDMSG.state);
  const { dst, lladdr: mac } = values;
  const permanent = (state & NUD.PERMANENT) !== 0;
  if (bridge) {
    if (mac === undefined) return undefined;
    return { kind: 'fdb', entry: { link, mac, ...(dst !== undefined && { dst }), permanent } };
  }
  if (dst === undefined || familyOf(dst) !== familyOfAf(af)) return undefined;
  return {
    kind: 'neighbour',
    neighbour: { link, ip: dst, ...(mac !== undefined && { mac }), permanent },
    noarp: (state & NUD.NOARP) !== 0,
  };
}
