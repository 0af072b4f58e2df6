// The names of what makes the packet engine fast, each of which can be switched off by -udp-disable. What they are
// stands in native/src/dataplane/features.h, from which docs are made; a test holds this list against it.

export const DATAPLANE_FEATURES = [
  'vnet-hdr',
  'tso',
  'uso',
  'merge',
  'udp-gso',
  'udp-gro',
  'mmsg',
  'simd',
] as const;

export type DataplaneFeature = (typeof DATAPLANE_FEATURES)[number];

/** What `all` stands for on the command line: the plain way, a packet a system call. */
export const ALL_FEATURES = 'all';

/** Reads `gso,gro` or `all`; undefined when a name is not known. */
export function parseFeatures(text: string): readonly DataplaneFeature[] | undefined {
  if (text === '') return [];
  if (text === ALL_FEATURES) return DATAPLANE_FEATURES;
  const names = text.split(',').map((name) => name.trim());
  const known = DATAPLANE_FEATURES.filter((feature) => names.includes(feature));
  return names.every((name) => (DATAPLANE_FEATURES as readonly string[]).includes(name)) ? known : undefined;
}
