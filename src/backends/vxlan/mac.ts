// The VTEP's MAC address: reading one from a lease, and making one. It does not decide when a new one is due.

import type { Random } from '../../clock.js';
import type { JsonValue } from '../../json.js';
import type { Mac } from '../../kernel/kernel.js';
import { foldName } from '../../subnet/go-json.js';

/**
 * The VtepMAC of a lease's BackendData, in canonical form; undefined when there is none that a device can have.
 * Accepts what Go's net.ParseMAC accepts for six bytes: colons, hyphens, or three dotted groups.
 */
export function vtepMac(data: JsonValue | undefined): Mac | undefined {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return undefined;
  const entry = Object.entries(data).findLast(([name]) => foldName(name) === 'vtepmac');
  return typeof entry?.[1] === 'string' ? parseMac(entry[1]) : undefined;
}

/** A unicast MAC in canonical form, or undefined. */
function parseMac(text: string): Mac | undefined {
  const grouped = /^[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text);
  if (!grouped && !/^[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}$/i.test(text)) return undefined;
  const digits = text.toLowerCase().replaceAll(/[:.-]/g, '');
  // The lowest bit of the first byte marks a group address (IEEE 802); all zeros is the FDB's default entry.
  if ((Number.parseInt(digits.slice(0, 2), 16) & 1) === 1 || /^0+$/.test(digits)) return undefined;
  return (digits.match(/../g) ?? []).join(':') as Mac;
}

/** A random locally administered unicast MAC: first byte (x & 0xfe) | 0x02, as upstream makes it. */
export function randomMac(random: Random): Mac {
  const bytes = Array.from({ length: 6 }, () => Math.floor(random() * 256));
  bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02;
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':') as Mac;
}
