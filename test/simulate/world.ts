// What a simulated cluster is made of before anything happens to it: as values, as the line that names it in a trace,
// and as what fast-check draws.

import fc from 'fast-check';

export const BACKENDS = ['vxlan', 'vxlan-direct', 'host-gw', 'udp'] as const;

export interface World {
  /** How many hosts there are, named host1 and so on. */
  readonly hosts: number;
  /** How many subnets the network has to give. */
  readonly subnets: number;
  readonly backend: (typeof BACKENDS)[number];
  /** Whether all hosts start in the first moment, or each when a step says so. */
  readonly together: boolean;
  /** Where latencies, tie-breaks and the daemons' own dice come from. */
  readonly chance: number;
}

export const MOST_HOSTS = 5;

export const worlds: fc.Arbitrary<World> = fc
  .record({
    hosts: fc.integer({ min: 2, max: MOST_HOSTS }),
    spare: fc.constantFrom(20, 1, 0),
    backend: fc.constantFrom(...BACKENDS),
    together: fc.constantFrom(true, true, true, false),
    chance: fc.noShrink(fc.nat(0x7fff_ffff)),
  })
  .map(({ hosts, spare, ...rest }) => ({ hosts, subnets: hosts + spare, ...rest }));

/** `3 hosts, 23 subnets, vxlan, started together, chance 1234` */
export function worldText({ hosts, subnets, backend, together, chance }: World): string {
  const start = together ? 'started together' : 'not started';
  return `${hosts} hosts, ${subnets} subnets, ${backend}, ${start}, chance ${chance}`;
}

/** Reads what worldText has written; throws on anything else. */
export function parseWorld(text: string): World {
  const match = /^(\d+) hosts, (\d+) subnets, ([\w-]+), (started together|not started), chance (\d+)$/.exec(
    text,
  );
  const backend = BACKENDS.find((name) => name === match?.[3]);
  if (match === null || backend === undefined) throw new RangeError(`no world: ${text}`);
  const [hosts = 0, subnets = 0, chance = 0] = [match[1], match[2], match[5]].map(Number);
  return { hosts, subnets, backend, together: match[4] === 'started together', chance };
}

/** The network config of a world, with subnets of that length; `subnets` of length 24 fit into it. */
export function configText({ subnets, backend }: World, subnetLen = 24): string {
  const type = backend === 'vxlan-direct' ? 'vxlan' : backend;
  return JSON.stringify({
    Network: '10.5.0.0/16',
    SubnetLen: subnetLen,
    SubnetMin: '10.5.1.0',
    SubnetMax: `10.5.${subnets}.0`,
    Backend: { Type: type, ...(backend === 'vxlan-direct' && { DirectRouting: true }) },
  });
}
