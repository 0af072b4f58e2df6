// Devices: what is kept, changed, made anew, and what is refused because it is somebody else's.

import test from 'ava';
import type { KernelOperation, Link, Mac, Vxlan } from '../../src/kernel/kernel.js';
import { planLinks, type LinkPlan } from '../../src/kernel/plan-links.js';
import type { WantedLink, WantedTun } from '../../src/kernel/wanted.js';
import { ip } from '../../src/subnet/cidr.js';

const MAC = '26:44:e9:b3:44:b5' as Mac;
const ETH0: Link = { index: 2, name: 'eth0', mtu: 1500, up: true, carrier: true, loopback: false };
const VXLAN: Vxlan = {
  vni: 1,
  parent: 2,
  local: ip('192.168.50.1'),
  port: 8472,
  learning: false,
  gbp: false,
  l2miss: false,
  l3miss: false,
};
const DEVICE: Link = {
  index: 7,
  name: 'flannel.1',
  kind: 'vxlan',
  mtu: 1450,
  mac: MAC,
  up: true,
  carrier: true,
  loopback: false,
  alias: 'flanneld:network',
  vxlan: VXLAN,
};
/** The same of somebody else. */
const FOREIGN: Link = { ...DEVICE, alias: '' };
const WANTED: WantedLink = {
  name: 'flannel.1',
  mtu: 1450,
  mac: MAC,
  vxlan: { vni: 1, port: 8472, learning: false, gbp: false, parent: 'eth0', local: ip('192.168.50.1') },
  settings: {},
};
const SCOPE = { network: 'network', ranges: [] };

const plan = (links: readonly Link[], wanted: WantedLink = WANTED): LinkPlan =>
  planLinks([wanted], links, SCOPE);

function summary({ operations, problems }: LinkPlan): string[] {
  const one = (operation: KernelOperation): string => {
    if (operation.kind !== 'link') return operation.kind;
    if (operation.verb === 'create') return `create ${operation.link.name} ${operation.link.alias ?? ''}`;
    if (operation.verb === 'delete') return `delete ${operation.index}`;
    return `change ${operation.index} ${JSON.stringify(operation.change)}`;
  };
  return [...operations.map(one), ...problems.map((problem) => `${problem.code}: ${problem.message}`)];
}

test('a missing device is created with our alias', (t) => {
  t.deepEqual(summary(plan([ETH0])), ['create flannel.1 flanneld:network']);
});

test('a device that is right is not touched', (t) => {
  t.deepEqual(summary(plan([ETH0, DEVICE])), []);
});

test('an upstream’s device is adopted: it gets our alias and nothing else', (t) => {
  const bare = Object.fromEntries(
    Object.entries(DEVICE).filter(([name]) => name !== 'alias'),
  ) as unknown as Link;
  t.deepEqual(summary(plan([ETH0, bare])), ['change 7 {"alias":"flanneld:network"}']);
});

test('what can be set back is set back in place: MAC, MTU, up', (t) => {
  const changed = { ...DEVICE, mac: '02:00:00:00:00:01' as Mac, mtu: 1400, up: false };
  t.deepEqual(summary(plan([ETH0, changed])), [`change 7 {"mac":"${MAC}","mtu":1450,"up":true}`]);
});

const differences: readonly (readonly [string, Partial<Vxlan>, string])[] = [
  ['port', { port: 4789 }, 'port: 8472 vs 4789'],
  ['interface', { parent: 3 }, 'vtep (external) interface: 2 vs 3'],
  ['local address', { local: ip('192.168.50.9') }, 'vtep (external) IP: 192.168.50.1 vs 192.168.50.9'],
  ['VNI', { vni: 2 }, 'vni: 1 vs 2'],
  ['group', { group: ip('239.1.1.1') }, 'group: none vs 239.1.1.1'],
  ['l2miss', { l2miss: true }, 'l2miss: false vs true'],
  ['GBP', { gbp: true }, 'gbp: false vs true'],
  ['learning', { learning: true }, 'learning: false vs true'],
];
for (const [what, difference, reason] of differences) {
  test(`a device with another ${what} is made anew, and the reason is told`, (t) => {
    const other = { ...DEVICE, vxlan: { ...VXLAN, ...difference } };
    t.deepEqual(summary(plan([ETH0, other])), ['delete 7', 'create flannel.1 flanneld:network']);
    t.deepEqual(plan([ETH0, other]).recreated, [`flannel.1: ${reason}`]);
  });
}

const refused: readonly (readonly [string, readonly Link[], RegExp])[] = [
  ['the interface below is gone', [], /^missing: cannot create flannel\.1: its interface eth0 is gone/],
  [
    'another network has the device',
    [ETH0, { ...DEVICE, alias: 'flanneld:blue' }],
    /^collision: .*network "blue".*"network"/,
  ],
  [
    'the name is a bridge’s',
    [ETH0, { ...ETH0, index: 7, name: 'flannel.1', kind: 'bridge' }],
    /^collision: flannel\.1 .*\(bridge\)/,
  ],
  [
    'another device has the VNI',
    [ETH0, { ...FOREIGN, name: 'vx0' }],
    /^collision: VNI 1 on UDP port 8472 is taken by device vx0; delete it/,
  ],
];
for (const [what, links, message] of refused) {
  test(`nothing is done, and the object is named, where ${what}`, (t) => {
    const lines = summary(plan(links));
    t.is(lines.length, 1);
    t.regex(lines[0]!, message);
  });
}

test('a device with our mark that is not wanted any more goes, before what may need its VNI comes', (t) => {
  const left = { ...DEVICE, name: 'vx0' };
  t.deepEqual(summary(plan([ETH0, left])), ['delete 7', 'create flannel.1 flanneld:network']);
  t.deepEqual(summary(planLinks([], [ETH0, left], SCOPE)), ['delete 7']);
  t.deepEqual(summary(planLinks([], [ETH0, left], { ...SCOPE, network: 'another' })), []);
});

test('a device of the other address family may have the same VNI and port', (t) => {
  const other = { ...FOREIGN, name: 'flannel-v6.1', vxlan: { ...VXLAN, local: ip('fd00::1') } };
  t.deepEqual(summary(plan([ETH0, other])), ['create flannel.1 flanneld:network']);
});

const UNMARKED_TUN: Link = {
  index: 7,
  name: 'flannel0',
  kind: 'tun',
  mtu: 1472,
  up: true,
  carrier: false,
  loopback: false,
  tun: { type: 'tun', multiQueue: false, persistent: true },
};
const TUN_DEVICE: Link = { ...UNMARKED_TUN, alias: 'flanneld:network' };
const wantedTun = (tun: Partial<WantedTun['tun']> = {}): WantedTun => ({
  name: 'flannel0',
  mtu: 1472,
  tun: { multiQueue: false, fixed: false, ...tun },
  settings: {},
});

test('a missing TUN is created with our alias, and as many queues as wanted', (t) => {
  const made = plan([ETH0], wantedTun({ multiQueue: true }));
  t.deepEqual(summary(made), ['create flannel0 flanneld:network']);
  t.like(made.operations[0], { link: { mtu: 1472, tun: { multiQueue: true } } });
});

test('a TUN of ours is kept, and set back in place: MTU, up', (t) => {
  t.deepEqual(summary(plan([TUN_DEVICE], wantedTun())), []);
  t.deepEqual(summary(plan([{ ...TUN_DEVICE, mtu: 1400, up: false }], wantedTun())), [
    'change 7 {"mtu":1472,"up":true}',
  ]);
});

test('a TUN with other queues is kept unless the config fixes them, and then made anew with the reason', (t) => {
  t.deepEqual(summary(plan([TUN_DEVICE], wantedTun({ multiQueue: true }))), []);
  const anew = plan([TUN_DEVICE], wantedTun({ multiQueue: true, fixed: true }));
  t.deepEqual(summary(anew), ['delete 7', 'create flannel0 flanneld:network']);
  t.deepEqual(anew.recreated, ['flannel0: multi_queue: true vs false']);
});

const taken: readonly (readonly [string, Link, RegExp])[] = [
  [
    'another network has the TUN',
    { ...TUN_DEVICE, alias: 'flanneld:blue' },
    /^collision: flannel0 belongs to flanneld network "blue", so network "network" cannot use it/,
  ],
  [
    'a TUN of the name has no mark',
    UNMARKED_TUN,
    /^collision: flannel0 exists without the alias "flanneld:network" \(tun\).*next free name/,
  ],
  [
    'the name is a bridge’s',
    { ...ETH0, index: 7, name: 'flannel0', kind: 'bridge' },
    /^collision: flannel0 exists without .* \(bridge\)/,
  ],
  [
    'a TAP has our alias',
    { ...TUN_DEVICE, tun: { type: 'tap', multiQueue: false, persistent: true } },
    /^collision: flannel0 has our alias and is no TUN device \(tap\); delete it/,
  ],
];
for (const [what, link, message] of taken) {
  test(`nothing is done to it, and it is named, where ${what}`, (t) => {
    const lines = summary(plan([ETH0, link], wantedTun({ multiQueue: true, fixed: true })));
    t.is(lines.length, 1);
    t.regex(lines[0]!, message);
  });
}
