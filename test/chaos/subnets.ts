// IPv4 subnets, as much as the checks need. Pure; on purpose not the daemon's own arithmetic.

export interface Subnet {
  /** `10.5.7.0/24` */
  readonly text: string;
  readonly first: number;
  readonly last: number;
}

/** The address as a number; undefined for anything but four numbers below 256. */
export function parseAddress(text: string): number | undefined {
  const octets = text.split('.').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : NaN));
  if (octets.length !== 4 || octets.some((octet) => !(octet <= 255))) return undefined;
  return octets.reduce((sum, octet) => sum * 256 + octet, 0);
}

/** Undefined for what is no subnet. */
export function parseSubnet(text: string): Subnet | undefined {
  const [address = '', length = ''] = text.split('/');
  const base = parseAddress(address);
  if (base === undefined || !/^\d{1,2}$/.test(length) || Number(length) > 32) return undefined;
  const size = 2 ** (32 - Number(length));
  const first = base - (base % size);
  return { text, first, last: first + size - 1 };
}

export function shareAddresses(a: Subnet, b: Subnet): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** Whether the address, or the whole of the inner subnet, lies in the outer one. */
export function lies(inner: string, outer: Subnet): boolean {
  const subnet = parseSubnet(inner.includes('/') ? inner : `${inner}/32`);
  return subnet !== undefined && outer.first <= subnet.first && subnet.last <= outer.last;
}
