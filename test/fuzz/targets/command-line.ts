// Command line, environment and endpoint list: options or a UsageError in one line that shows no password.

import fc from 'fast-check';
import { EndpointError, parseEndpoints } from '../../../src/etcd/endpoints.js';
import { parseCommandLine } from '../../../src/flanneld/cli.js';
import { durationSeconds } from '../../../src/flanneld/duration.js';
import { UsageError } from '../../../src/flanneld/errors.js';
import { environmentName, FLAG_NAMES, FLAGS, redacted, type FlagRow } from '../../../src/flanneld/flags.js';
import { mutated, ODD_TOKENS, PLAIN_PIECES } from '../generators/text.js';
import { textGrowth } from '../growth.js';
import { fitForALine, holds, onlyThrows, target, type Target } from '../target.js';

const SECRET = 'hunter2-7f3a';
const VALUES = [
  '1',
  'true',
  'false',
  '60',
  '0x10',
  '0b1',
  '1_0',
  '-5',
  'eth0',
  'on',
  '10.5.0.1',
  'a=b',
  '--',
  '-',
];

const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...FLAG_NAMES) },
  fc.constantFrom('help', 'h', '_', '$0', 'no-ip-masq', 'etcd', 'x', 'Version', 'v.v', 'etcd-prefix.x'),
  mutated([...FLAG_NAMES]),
);
const value = fc.oneof(fc.constantFrom(...VALUES, ...ODD_TOKENS), mutated(VALUES));
const words = fc.oneof(
  fc.tuple(fc.constantFrom('-', '--', '---', ''), name).map((parts) => [parts.join('')]),
  fc.tuple(fc.constantFrom('-', '--'), name, value).map(([dash, flag, text]) => [`${dash}${flag}=${text}`]),
  fc.tuple(fc.constantFrom('-', '--'), name, value).map(([dash, flag, text]) => [`${dash}${flag}`, text]),
  value.map((text) => [text]),
  fc.constantFrom([`-etcd-password=${SECRET}`], ['--etcd-password', SECRET]),
);
const environment = fc.dictionary(
  fc.oneof(
    fc.constantFrom(...FLAG_NAMES).map(environmentName),
    fc.constantFrom('FLANNELD_', 'PATH', '__proto__', 'FLANNELD_HELP'),
  ),
  value,
  { maxKeys: 4, noNullPrototype: true },
);

const commandLine = target({
  name: 'command line',
  promise: 'is options within their bounds, or a UsageError that tells no secret',
  runs: 150,
  input: fc.record({
    argv: fc.array(words, { maxLength: 6 }).map((list) => list.flat()),
    environment,
    password: fc.boolean(),
  }),
  open: () => ({
    check: ({ argv, environment: variables, password }) => {
      const given = password ? { ...variables, FLANNELD_ETCD_PASSWORD: SECRET } : variables;
      const parsed = onlyThrows(UsageError, () => parseCommandLine(argv, given));
      if ('error' in parsed) {
        holds(!parsed.error.message.includes(SECRET), 'a password is shown');
        return;
      }
      if (parsed.value.action !== 'run') return;
      const { options } = parsed.value;
      for (const flag of FLAG_NAMES) checkOption(FLAGS[flag], options[flag]);
      holds(!JSON.stringify(redacted(options)['etcd-password']).includes(SECRET), 'a password is logged');
    },
  }),
});

function checkOption({ type, min = -Infinity, max = Infinity, choices }: FlagRow, option: unknown): void {
  const within = (number: unknown): boolean => Number(number) >= min && Number(number) <= max;
  switch (type) {
    case 'boolean':
      holds(typeof option === 'boolean', 'no boolean');
      return;
    case 'string':
      holds(typeof option === 'string' && choices?.includes(option) !== false, 'no text');
      return;
    case 'list':
      holds(Array.isArray(option) && option.every((each) => typeof each === 'string'), 'no list');
      return;
    case 'integer':
      holds(Number.isSafeInteger(option) && within(option), 'no number');
      return;
    case 'duration':
      holds(typeof option === 'string' && within(durationSeconds(option)), 'no duration');
  }
}

const ENDPOINTS = [
  'http://127.0.0.1:4001,http://127.0.0.1:2379',
  'https://etcd.local:2379/, [fd00::1]:2379,10.0.0.3',
  'unix:///run/etcd.sock',
];

const endpoints = target({
  name: 'etcd endpoints',
  promise: 'are hosts and ports, or an EndpointError that tells no password',
  runs: 800,
  input: mutated(ENDPOINTS, ['http://', 'user:', `:${SECRET}@`, '[', ']', ':0', ':65536', '://']),
  open: () => ({
    check: (text) => {
      const parsed = onlyThrows(EndpointError, () => parseEndpoints(text));
      if ('error' in parsed) {
        // Without the @ nothing says that it is one.
        const shown = text.includes(`${SECRET}@`) && parsed.error.message.includes(SECRET);
        holds(!shown, 'a password is shown');
        return;
      }
      holds(parsed.value.length > 0, 'no endpoint');
      for (const endpoint of parsed.value) {
        if (endpoint.target.startsWith('unix:/')) continue;
        fitForALine(endpoint.text);
        holds(/^dns:[^/]+:\d+$/.test(endpoint.target), `target ${endpoint.target}`);
      }
    },
  }),
});

const PIECES = [...PLAIN_PIECES, 'http://', '/', '[f', '@', ']'];

export const COMMAND_LINE_TARGETS: readonly Target[] = [
  commandLine,
  endpoints,
  textGrowth('etcd endpoints', PIECES, parseEndpoints),
];
