// What changes of a network's config lead to on hosts, in words.

import test from 'ava';
import { conflictsOf, setConsequences } from '../../src/commands/network-actions.js';
import { configChange, readConfig } from '../../src/commands/open-configs.js';
import { ConfigError } from '../../src/subnet/errors.js';

const blue = { name: 'blue', prefix: '/n/blue' };
const other = (
  text: string,
): { name: string; prefix: string; config: { text: string; modRevision: bigint } } => ({
  name: 'red',
  prefix: '/n/red',
  config: { text, modRevision: 3n },
});

test('networks that cannot be on one host are named', (t) => {
  const config = readConfig('{"Network":"10.20.0.0/16","Backend":{"Type":"vxlan","VNI":20}}');
  const conflict = (text: string): readonly string[] => conflictsOf(blue, config, [other(text)]);
  t.regex(
    conflict('{"Network":"10.20.0.0/16","Backend":{"Type":"vxlan","VNI":21}}')[0] ?? '',
    /overlaps network red/,
  );
  t.regex(
    conflict('{"Network":"10.21.0.0/16","Backend":{"Type":"vxlan","VNI":20}}')[0] ?? '',
    /both want VNI 20/,
  );
  t.regex(
    conflict('{"Network":"10.21.0.0/16","Backend":{"Type":"udp","Port":8472}}')[0] ?? '',
    /both want UDP port 8472/,
  );
  t.deepEqual(conflict('{"Network":"10.21.0.0/16","Backend":{"Type":"vxlan","VNI":"auto"}}'), []);
  t.deepEqual(conflict('{"Network":"10.21.0.0/16","Backend":{"Type":"host-gw"}}'), []);
  t.deepEqual(conflict('no config'), []);
  t.deepEqual(
    conflictsOf(blue, config, [{ ...other('{"Network":"10.20.0.0/16"}'), prefix: blue.prefix }]),
    [],
  );
});

test('each kind of change says what running hosts do', (t) => {
  const before = readConfig('{"Network":"10.20.0.0/16","Backend":{"Type":"vxlan"}}');
  const words = (text: string): string =>
    setConsequences(configChange(before, readConfig(text)), 2).join(' ');
  t.regex(
    words('{"Network":"10.20.0.0/16","Backend":{"Type":"vxlan","MTU":1400}}'),
    /Taken over as it runs, by 2 hosts.*MTU/,
  );
  t.regex(words('{"Network":"10.20.0.0/16","Backend":{"Type":"vxlan","VNI":2}}'), /Refused by 2 hosts.*VNI/);
  t.regex(
    words('{"Network":"10.20.0.0/16","Backend":{"Type":"host-gw"},"Replace":true}'),
    /begins anew on 2 hosts/,
  );
  t.regex(words('{"Network":"10.20.0.0/16","Backend":{"Type":"vxlan"},"Other":1}'), /Nothing in it/);
});

test('a config is read as a host reads it, its backend’s options too', (t) => {
  t.throws(() => readConfig('{"Network":"10.20.0.0/16","Backend":{"Type":"udp","Port":99999}}'), {
    instanceOf: ConfigError,
  });
  t.throws(() => readConfig('{"Network":"10.20.0.0/16","Backend":{"Type":"ipip"}}'), {
    instanceOf: ConfigError,
  });
});
