// What a network may be called where its name is a part of its key, `<networks prefix>/<name>/config`. Pure.

/** The longest is 32: it is a file's name, and a part of others'. */
const NAME = /^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/;
/** flannel's own keys below a prefix: a network's prefix that is itself a networks prefix has them. */
const KEYS = new Set(['config', 'nodes']);

export function isNetworkName(name: string): boolean {
  return refusedName(name) === undefined;
}

/** Why a name is no network's name, in words; undefined when it is one. */
export function refusedName(name: string): string | undefined {
  if (KEYS.has(name)) return `"${name}" is the name of a key that every network has`;
  if (name.startsWith('subnets')) return 'names beginning with "subnets" are those of keys that hold leases';
  if (NAME.test(name)) return undefined;
  return 'a network is named with 1 to 32 characters of a-z, 0-9 and "-", the first and the last no "-"';
}
