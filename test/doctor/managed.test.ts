// What files of NetworkManager and systemd-networkd mean for one device.

import test from 'ava';
import { keepsForeignRoutes, networkFileOf, unmanagedBy } from '../../src/doctor/managed.js';

const file = (text: string, path = '/etc/a'): { path: string; text: string } => ({ path, text });
const VXLAN = { name: 'flannel.1', kind: 'vxlan' };

const UNMANAGED: readonly (readonly [string, string, boolean])[] = [
  ['its name', '[keyfile]\nunmanaged-devices=interface-name:flannel.1\n', true],
  ['a glob', '[keyfile]\nunmanaged-devices=mac:00:11;interface-name:flannel*\n', true],
  ['a list with commas', '[keyfile]\nunmanaged-devices+=interface-name:a,interface-name:flannel.?\n', true],
  ['all', '[keyfile]\nunmanaged-devices=*\n', true],
  ['all but it', '[keyfile]\nunmanaged-devices=*,except:interface-name:flannel*\n', false],
  ['another', '[keyfile]\nunmanaged-devices=interface-name:eth0\n', false],
  ['a comment', '[keyfile]\n#unmanaged-devices=interface-name:flannel*\n', false],
  ['another section', '[main]\nunmanaged-devices=interface-name:flannel*\n', false],
  [
    'a device section',
    '[device-x]\nmatch-device=interface-name:flannel*,interface-name:fl.*\nmanaged=0\n',
    true,
  ],
  ['a device section that manages', '[device-x]\nmatch-device=interface-name:flannel*\nmanaged=1\n', false],
  ['nothing', '', false],
];
for (const [what, text, unmanaged] of UNMANAGED) {
  test(`NetworkManager ${unmanaged ? 'leaves the device alone' : 'manages the device'} by ${what}`, (t) => {
    t.is(unmanagedBy([file(text)], 'flannel.1'), unmanaged ? '/etc/a' : undefined);
  });
}

test('a later file of NetworkManager overrules an earlier one, unless it adds', (t) => {
  const first = file('[keyfile]\nunmanaged-devices=interface-name:flannel*\n', '/1');
  t.is(
    unmanagedBy([first, file('[keyfile]\nunmanaged-devices=interface-name:eth9\n')], 'flannel.1'),
    undefined,
  );
  t.is(unmanagedBy([first, file('[keyfile]\nunmanaged-devices+=interface-name:eth9\n')], 'flannel.1'), '/1');
});

const MATCHES: readonly (readonly [string, string, boolean])[] = [
  ['all names', '[Match]\nName=*\n', true],
  ['one of several globs', '[Match]\nName=eth* flannel*\n', true],
  ['all names but ours', '[Match]\nName=!flannel*\n', false],
  ['its kind', '[Match]\nKind=vxlan\n', true],
  ['the kind of none', '[Match]\nName=*\nKind=!*\n', false],
  ['the type of cards', '[Match]\nType=ether\n', false],
  ['a condition that cannot be judged', '[Match]\nName=*\nMACAddress=00:11:22:33:44:55\n', false],
  ['no section', '[Network]\nDHCP=yes\n', false],
  ['a bracket that is not closed', '[Match]\nName=flannel[\n', false],
];
for (const [what, text, matches] of MATCHES) {
  test(`systemd-networkd ${matches ? 'takes' : 'passes by'} the device with ${what}`, (t) => {
    t.deepEqual(
      networkFileOf([file(text)], VXLAN),
      matches ? { file: '/etc/a', unmanaged: false } : undefined,
    );
  });
}

test('the first file that matches counts, and it may leave the device alone', (t) => {
  const files = [
    file('[Match]\nName=eth0\n', '/1'),
    file('[Match]\nName=fl*\n\n[Link]\nUnmanaged=yes\n', '/2'),
    file('[Match]\nName=*\n', '/3'),
  ];
  t.deepEqual(networkFileOf(files, VXLAN), { file: '/2', unmanaged: true });
  t.deepEqual(networkFileOf(files, { name: 'wlan0', kind: '' }), { file: '/3', unmanaged: false });
});

test('foreign routes are kept where the last word says so', (t) => {
  t.false(keepsForeignRoutes([]));
  t.true(
    keepsForeignRoutes([
      file('[Network]\nManageForeignRoutes=yes\n'),
      file('[Network]\nManageForeignRoutes=no\n'),
    ]),
  );
});

test('the files that are packed keep both away', async (t) => {
  const { readFileSync } = await import('node:fs');
  const root = new URL('../../../packaging/', import.meta.url);
  const text = (path: string): string => readFileSync(new URL(path, root), 'utf8');
  for (const name of ['flannel.1', 'flannel0', 'fl.a-long-name']) {
    t.is(unmanagedBy([file(text('networkmanager/flanneld.conf'))], name), '/etc/a');
    t.true(networkFileOf([file(text('networkd/10-flannel.network'))], { name, kind: 'vxlan' })?.unmanaged);
  }
});
