// Near-valid env files: lines in the manners of dotenv, shells and editors, and files of megabytes.

import fc from 'fast-check';
import { ENV_FILES } from '../golden.js';
import { mutated } from './text.js';

/** Where subnet-env.ts stops reading. */
const READER_LIMIT = 65_536;
const NAMES = [
  'FLANNEL_NETWORK',
  'FLANNEL_SUBNET',
  'FLANNEL_IPV6_NETWORK',
  'FLANNEL_IPV6_SUBNET',
  'FLANNEL_MTU',
];
const PREFIXES = [
  '10.5.0.0/16',
  '10.5.71.1/24',
  'fc00:5::/48',
  'fc00:5:0:47::1/64',
  '0.0.0.0/0',
  '10.5.0.0/33',
];

const value = fc
  .array(fc.constantFrom(...PREFIXES, '', 'x', '10.5.0.0', '10.5.0.0/', '$X', '`id`'), { maxLength: 4 })
  .map((members) => members.join(','));
const line = fc
  .tuple(
    fc.constantFrom('', '', '', 'export ', 'export\t ', '  ', '\ufeff', '#', 'declare -x '),
    fc.constantFrom(...NAMES, 'flannel_network', 'FLANNEL_NETWORK ', '', 'PATH'),
    fc.constantFrom('=', '=', '=', ' = ', ':', '==', ''),
    fc.constantFrom('', '', '"', "'", '`'),
    value,
    fc.constantFrom('', '', '"', "'"),
    fc.constantFrom('', '', ' # comment', '#', ' ; true', '\\'),
    fc.constantFrom('\n', '\n', '\r\n', '\r', '\0', ''),
  )
  .map((parts) => parts.join(''));
/** Fills a file up to a length. */
const filler = fc.constantFrom('# filler\n', ' ', '\n', 'x', 'A=1\n', '"', '10.5.0.0/16,', 'export ');
const filled = (unit: string, length: number): string =>
  unit.repeat(Math.ceil(length / unit.length)).slice(0, Math.max(0, length));

/** A file the limit of whose reader falls somewhere within its last lines. */
const atTheLimit = fc
  .tuple(filler, fc.constantFrom(...ENV_FILES), fc.nat({ max: 200 }))
  .map(([unit, file, beyond]) => `${filled(unit, READER_LIMIT - 1 - (beyond % (file.length + 1)))}\n${file}`);

export const envTexts = fc.oneof(
  { weight: 12, arbitrary: mutated(ENV_FILES, ['export ', 'FLANNEL_SUBNET=', '10.5.0.0/16,']) },
  { weight: 12, arbitrary: fc.array(line, { maxLength: 8 }).map((lines) => lines.join('')) },
  { weight: 6, arbitrary: atTheLimit },
  {
    weight: 1,
    arbitrary: fc
      .tuple(filler, fc.array(line, { maxLength: 4 }))
      .map(([unit, lines]) => lines.join('') + filled(unit, 3_000_000) + lines.join('')),
  },
);
