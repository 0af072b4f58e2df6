// /proc/net/route → the routes to a subnet that lead over another host. Pure; IPv4, which is all that file has.

import { endianness } from 'node:os';
import { addressOf, bytesToIp, familyOf, ipToBytes, lengthOf, type Cidr, type Ip } from '../subnet/cidr.js';

/** Such routes as `ip route` would print them. */
export function routedVia(subnet: Cidr, table: string): readonly string[] {
  if (familyOf(subnet) !== 4) return [];
  const wanted = addressOf(subnet);
  return table
    .split('\n')
    .slice(1)
    .flatMap((row) => {
      const [device = '', destination = '', gateway = '', , , , , mask = ''] = row.split('\t');
      const [to, via, length] = [addressIn(destination), addressIn(gateway), addressIn(mask)];
      if (to !== wanted || via === undefined || via === '0.0.0.0' || length === undefined) return [];
      return lengthOfMask(length) === lengthOf(subnet) ? [`${subnet} via ${via} dev ${device}`] : [];
    });
}

/** The kernel prints the 32 bits as a number of this machine. */
function addressIn(hex: string): Ip | undefined {
  if (!/^[0-9A-F]{8}$/.test(hex)) return undefined;
  const bytes = Buffer.from(hex, 'hex');
  return bytesToIp(endianness() === 'LE' ? bytes.reverse() : bytes);
}

function lengthOfMask(mask: Ip): number {
  return ipToBytes(mask).reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
}
