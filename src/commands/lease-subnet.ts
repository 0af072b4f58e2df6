// The subnet that a command names, and all that the store says of it. Pure.

import {
  contains,
  networkOf,
  parseCidr,
  parseIp,
  familyOf,
  type Cidr,
  type PerFamily,
} from '../subnet/cidr.js';
import { decodeKey, encodeKey } from '../subnet/lease-codec.js';
import type { LeaseRecord } from '../subnet/lease.js';
import type { Presence } from '../subnet/presence.js';
import type { Listing, Past } from '../subnet/registry.js';
import { CommandError } from './errors.js';

/** What the store holds of one network. */
export interface LeaseView {
  readonly listing: Listing;
  readonly past: Past;
  /** The nodes that are alive, by their ids. */
  readonly alive: ReadonlyMap<string, Presence>;
}

/** One subnet as it was shown. */
export interface SubnetFacts {
  readonly key: string;
  readonly subnets: PerFamily<Cidr>;
  readonly record: LeaseRecord | undefined;
  /** Why the value at its key is no lease. */
  readonly unreadable: string | undefined;
  readonly used: bigint | undefined;
  readonly revoked: { readonly nodeId: string | undefined } | undefined;
}

/**
 * What is known of the subnet in `text`: `10.5.9.0/24`, the key's form `10.5.9.0-24`, or an address in a subnet that has
 * a lease. Throws CommandError.
 */
export function subnetFacts(text: string, { listing, past }: LeaseView): SubnetFacts {
  const address = parseIp(text);
  if (address !== undefined) {
    const holder = listing.records.find(({ subnets }) => {
      const subnet = subnets[familyOf(address)];
      return subnet !== undefined && contains(subnet, address);
    });
    if (holder !== undefined) return factsOf(holder.key, holder.subnets, { listing, past });
    throw new CommandError(
      'command-failed',
      `no subnet with a lease has the address ${address}; name a subnet as 10.5.9.0/24`,
    );
  }
  const prefix = parseCidr(text);
  const subnets = prefix === undefined ? decodeKey(text) : { [familyOf(prefix)]: networkOf(prefix) };
  if (subnets === undefined || !/^[\da-f.:/&-]{1,128}$/i.test(text))
    throw new CommandError(
      'command-usage',
      `${JSON.stringify(text.slice(0, 100))} is no subnet; write it as 10.5.9.0/24`,
    );
  return factsOf(encodeKey(subnets), subnets, { listing, past });
}

function factsOf(
  key: string,
  subnets: PerFamily<Cidr>,
  { listing, past }: Pick<LeaseView, 'listing' | 'past'>,
): SubnetFacts {
  return {
    key,
    subnets,
    record: listing.records.find((record) => record.key === key),
    unreadable: listing.unreadable.find((one) => one.key === key)?.reason,
    used: past.used.get(key),
    revoked: past.revoked.has(key) ? { nodeId: past.revoked.get(key) } : undefined,
  };
}
