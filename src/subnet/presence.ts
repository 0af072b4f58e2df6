// That a node is alive: what its presence key says, as a value and as the JSON text in the store. A text that cannot be
// read still means that somebody is there. Claiming and keeping one is presence-hold.ts.
//
//   <prefix>/nodes/<node id>   {"NodeID":"…","Host":"…","BootID":"…","Instance":"…","PublicIP":"192.168.50.2"}

import { JsonTextError, readMembers, valueOf, type JsonMember } from './go-json.js';

/** One life of a node's daemon. */
export interface Presence {
  readonly nodeId: string;
  /** The host's name, for people. */
  readonly host: string;
  /** /proc/sys/kernel/random/boot_id: another one after each boot. */
  readonly bootId: string;
  /** Made by chance at each start of the daemon. */
  readonly instance: string;
  /** The address it announces, for people. */
  readonly publicIp: string;
}

/** A presence as the store holds it. */
export interface PresenceRecord extends Presence {
  /** The etcd lease it hangs on; 0 when somebody wrote the key by hand: it never goes away by itself. */
  readonly etcdLease: bigint;
  readonly modRevision: bigint;
}

const BOUNDS = { length: 4096, depth: 8 };
const MAX_TEXT = 128;
const NAMES = { host: 'Host', bootId: 'BootID', instance: 'Instance', publicIp: 'PublicIP' } as const;

export function encodePresence({ nodeId, host, bootId, instance, publicIp }: Presence): string {
  return JSON.stringify({
    NodeID: nodeId,
    Host: host,
    BootID: bootId,
    Instance: instance,
    PublicIP: publicIp,
  });
}

/** What the key of `nodeId` says; what cannot be read is empty. Never throws: whoever wrote it is there. */
export function decodePresence(nodeId: string, text: string): Presence {
  const members = membersOf(text);
  const field = (name: string): string => {
    const member = members.findLast((one) => one.name === name.toLowerCase());
    const value = member === undefined ? '' : valueOf(member);
    return typeof value === 'string' ? printable(value) : '';
  };
  return {
    nodeId,
    host: field(NAMES.host),
    bootId: field(NAMES.bootId),
    instance: field(NAMES.instance),
    publicIp: field(NAMES.publicIp),
  };
}

/** Names a life for people: `host web1, boot 3f2a…, instance 91bc…, announcing 192.168.50.2`. */
export function describePresence({ host, bootId, instance, publicIp }: Presence): string {
  const part = (text: string, length: number): string => (text === '' ? 'unknown' : text.slice(0, length));
  return `host ${part(host, 64)}, boot ${part(bootId, 8)}, instance ${part(instance, 8)}, announcing ${part(publicIp, 40)}`;
}

function membersOf(text: string): readonly JsonMember[] {
  try {
    return readMembers(text, BOUNDS);
  } catch (error) {
    if (error instanceof JsonTextError) return [];
    throw error;
  }
}

function printable(value: string): string {
  return value.slice(0, MAX_TEXT).replace(/[^\u0020-\u007e]/g, '?');
}
