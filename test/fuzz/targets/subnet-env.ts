// The env file of an earlier run: never an error, and never a prefix that nobody wrote. What it names decides which
// routes count as ours at start, so half of a number would be worse than none.

import { addressOf, FAMILIES, lengthOf, networkOf, parseCidr } from '../../../src/subnet/cidr.js';
import { parseSubnetEnv } from '../../../src/flanneld/subnet-env.js';
import { envTexts } from '../generators/env.js';
import { PLAIN_PIECES } from '../generators/text.js';
import { textGrowth } from '../growth.js';
import { holds, target, type Target } from '../target.js';

const subnetEnv = target({
  name: 'subnet env file',
  promise: 'names only prefixes that stand in it',
  runs: 300,
  input: envTexts,
  open: () => ({
    check: (text) => {
      const { networks, subnets } = parseSubnetEnv(text);
      const found = [...networks, ...FAMILIES.flatMap((family) => subnets[family] ?? [])];
      if (found.length === 0) return;
      const written = new Set(
        text
          .split(/[^0-9A-Fa-f.:/]+/)
          .flatMap((word) => parseCidr(word) ?? [])
          .map(networkOf),
      );
      for (const prefix of found) {
        holds(networkOf(prefix) === prefix, `${prefix} has host bits`);
        holds(
          !/^(0\.0\.0\.0|::)$/.test(addressOf(prefix)) && lengthOf(prefix) > 0,
          `${prefix} is everything`,
        );
        holds(written.has(prefix), `${prefix} does not stand in the file`);
      }
    },
  }),
});

const PIECES = [...PLAIN_PIECES, 'export', 'export ', 'FLANNEL_SUBNET', '10.5.0.0/16', 'a=b', '=', "'", '#'];

export const SUBNET_ENV_TARGETS: readonly Target[] = [
  subnetEnv,
  textGrowth('subnet env file', PIECES, parseSubnetEnv),
];
