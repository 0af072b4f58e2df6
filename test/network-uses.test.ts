// The record of an attachment: what is written is read back, nothing else is, and no name leads out of its folder.

import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {
  canonicalSubnetFile,
  isContainerId,
  isInterfaceName,
  isUseFileName,
  MAX_USE_BYTES,
  parseNetworkUse,
  renderNetworkUse,
  useFileName,
  usesFolder,
  type NetworkUse,
} from '../src/network-uses.js';
import { tempFolder } from './helpers/temp-folder.js';
import { holds } from './subnet/property.js';

const USE: NetworkUse = {
  containerId: 'c0ffee',
  ifname: 'eth0',
  netns: '/var/run/netns/c0ffee',
  subnetFile: '/run/flannel/networks/blue.env',
  dataDir: '/var/lib/cni/flannel',
  network: 'blue',
  name: 'cbr0',
};

test('a use is written as the documents show it, and read back', (t) => {
  const text = renderNetworkUse(USE);
  t.is(
    text,
    '{"version":1,"containerId":"c0ffee","ifname":"eth0","netns":"/var/run/netns/c0ffee",' +
      '"subnetFile":"/run/flannel/networks/blue.env","dataDir":"/var/lib/cni/flannel","network":"blue","name":"cbr0"}\n',
  );
  t.deepEqual(parseNetworkUse(text), USE);
});

test('the uses of a network are in a folder that its env file names', (t) => {
  t.regex(usesFolder('/run/flannel/subnet.env'), /^\/run\/flannel\/cni\/[0-9a-f]{16}$/);
  t.not(usesFolder('/run/flannel/subnet.env'), usesFolder('/run/flannel/networks/blue.env'));
});

test('every link to an env file is the one file, also before there is one', async (t) => {
  const folder = await tempFolder(t);
  await mkdir(join(folder, 'run'));
  await symlink('run', join(folder, 'link'));
  const real = canonicalSubnetFile(join(folder, 'run', 'subnet.env'));
  t.is(canonicalSubnetFile(join(folder, 'link', 'subnet.env')), real);
  await writeFile(join(folder, 'run', 'subnet.env'), '');
  await symlink('subnet.env', join(folder, 'run', 'subnets.env'));
  t.is(canonicalSubnetFile(join(folder, 'link', 'subnets.env')), real);
  t.is(canonicalSubnetFile('/nowhere/at/../all.env'), '/nowhere/all.env');
});

test('no container and no interface leads out of the folder', (t) => {
  t.is(useFileName('c0ffee', 'eth0'), 'c0ffee:eth0.json');
  t.true(isUseFileName('c0ffee:eth0.json'));
  for (const name of [
    'c0ffee',
    '.c0ffee:eth0.json.12.tmp',
    'a:b:c.json',
    ':eth0.json',
    'a:.json',
    'a:...json',
  ])
    t.false(isUseFileName(name), name);
  holds(
    t,
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (id, ifname) => {
      if (!isContainerId(id) || !isInterfaceName(ifname)) {
        t.throws(() => useFileName(id, ifname), { instanceOf: RangeError });
        return;
      }
      const name = useFileName(id, ifname);
      t.is(join('/a/b', name), `/a/b/${name}`);
      t.notRegex(name, /[/\0]/);
    }),
  );
});

for (const id of ['', '.', '..', '../x', 'a/b', '-a', 'a b', 'a\n', 'a:b', 'ä', 'a'.repeat(201)])
  test(`${JSON.stringify(id.slice(0, 20))} is no container id`, (t) => {
    t.false(isContainerId(id));
  });

for (const name of ['', '.', '..', 'a/b', 'a b', 'a\tb', 'a:b', 'a\0b', 'ä', 'sixteen-letters-'])
  test(`${JSON.stringify(name)} is no interface name`, (t) => {
    t.false(isInterfaceName(name));
  });

test('a record with anything else in it is none', (t) => {
  const good = JSON.parse(renderNetworkUse(USE)) as object;
  t.truthy(parseNetworkUse(JSON.stringify({ ...good, later: 1 })));
  t.is(parseNetworkUse(JSON.stringify({ ...good, later: 'x'.repeat(MAX_USE_BYTES) })), undefined);
  for (const fields of [
    { version: 2 },
    { containerId: '../x' },
    { ifname: 'a/b' },
    { netns: null },
    { subnetFile: 'a\nb' },
    { dataDir: 1 },
    { network: {} },
    { name: 'a'.repeat(5_000) },
  ])
    t.is(parseNetworkUse(JSON.stringify({ ...good, ...fields })), undefined, JSON.stringify(fields));
  holds(
    t,
    fc.property(fc.json(), (text) => {
      t.is(parseNetworkUse(text), undefined);
    }),
  );
});
