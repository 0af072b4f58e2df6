// Interface addresses as rtnetlink messages.

import { addressBits, addressOf, cidrOf, familyOf, lengthOf } from '../../subnet/cidr.js';
import type { Address } from '../kernel.js';
import { ADDRESS } from './attributes.js';
import { AF, IFA_F, NLM_F, RTM } from './constants.js';
import { afOf, familyOfAf } from './family.js';
import type { Chunk } from './reader.js';
import { IFADDRMSG, writeIfaddrmsg } from './structs.js';
import { verbFlags, type Verb } from './verbs.js';
import type { MessageWriter } from './writer.js';

export function writeAddress(writer: MessageWriter, verb: Verb, address: Address): boolean {
  const ip = addressOf(address.address);
  const type = verb === 'delete' ? RTM.DELADDR : RTM.NEWADDR;
  writer.begin(type, NLM_F.REQUEST | NLM_F.ACK | verbFlags(verb));
  const length = lengthOf(address.address);
  writeIfaddrmsg(writer, afOf(familyOf(ip)), length, address.scope, address.link);
  ADDRESS.write(writer, { local: ip, address: ip });
  return writer.end();
}

/** Asks for every address of both families. */
export function writeAddressDump(writer: MessageWriter): boolean {
  writer.begin(RTM.GETADDR, NLM_F.REQUEST | NLM_F.DUMP);
  writeIfaddrmsg(writer, AF.UNSPEC, 0, 0, 0);
  return writer.end();
}

export function readAddress(chunk: Chunk, start: number, end: number): Address | 'other' | undefined {
  if (end - start < IFADDRMSG.SIZE) return undefined;
  const family = familyOfAf(chunk.u8(start + IFADDRMSG.family));
  if (family === undefined) return 'other';
  const values = ADDRESS.read(chunk, start + IFADDRMSG.SIZE, end);
  // On a point-to-point link IFA_ADDRESS is the peer's; IFA_LOCAL, when there is one, is always our own.
  const ip = values?.local ?? values?.address;
  const length = chunk.u8(start + IFADDRMSG.prefixLength);
  if (values === undefined || ip === undefined) return undefined;
  if (familyOf(ip) !== family || length > addressBits(family)) return undefined;
  const flags = values.flags ?? chunk.u8(start + IFADDRMSG.flags);
  return {
    link: chunk.i32(start + IFADDRMSG.index),
    address: cidrOf(ip, length),
    scope: chunk.u8(start + IFADDRMSG.scope),
    deprecated: (flags & IFA_F.DEPRECATED) !== 0,
    temporary: family === 6 && (flags & IFA_F.TEMPORARY) !== 0,
    permanent: (flags & IFA_F.PERMANENT) !== 0,
  };
}
