// What cleanup removes and what it leaves, by what lies on a host.

import test from 'ava';
import type { HostFacts } from '../../src/commands/cleanup-facts.js';
import { carryOutPlan } from '../../src/commands/cleanup-apply.js';
import { cleanupPlan, type CleanupPlan } from '../../src/commands/cleanup-plan.js';
import { parseSave } from '../../src/kernel/iptables/save-text.js';
import { MAIN_TABLE, PROTOCOL, type Link, type Route } from '../../src/kernel/kernel.js';
import type { Listing } from '../../src/kernel/nftables/listing.js';
import { cidr, ip } from '../../src/subnet/cidr.js';
import { FakeKernel } from '../fakes/fake-kernel.js';

const RANGE = cidr('10.20.0.0/16');

function link(index: number, name: string, alias?: string): Link {
  const state = { mtu: 1450, up: true, carrier: true, loopback: false };
  return { index, name, kind: 'vxlan', ...state, ...(alias === undefined ? {} : { alias }) };
}

function route(dst: string, more: Partial<Route> = {}): Route {
  const base = { table: MAIN_TABLE, metric: 0, protocol: PROTOCOL.flanneld, scope: 0, onlink: false };
  return { dst: cidr(dst), type: 'unicast', gateway: ip('192.168.50.2'), link: 2, ...base, ...more };
}

const EMPTY: Listing = { flagged: false, chains: [], sets: new Map(), counters: new Map(), others: [] };

function table(name: string, ...chains: readonly string[]): HostFacts['tables'][number] {
  const listed = chains.map((chain) => ({
    ...{ family: 'ip', table: name, name: chain, type: undefined, hook: undefined },
    ...{ priority: undefined, policy: undefined, rules: [] },
  }));
  return { family: 'ip', name, listing: { ...EMPTY, chains: listed } };
}

function status(
  network: string,
  more: Partial<HostFacts['statuses'][number]> = {},
): HostFacts['statuses'][number] {
  return {
    ...{ network, prefix: `/n/${network}`, subnetFiles: [`/run/${network}.env`], pid: 7, reason: '' },
    ...{
      state: 'ready',
      since: '2026-01-01T00:00:00.000Z',
      path: `/run/${network}.status.json`,
      liveness: 'gone',
    },
    ...more,
  };
}

const NOTHING: HostFacts = {
  ...{ links: [], routes: [], statuses: [], envs: [], states: [], daemons: [], uses: new Map() },
  ...{ staleSockets: [], leftovers: [], tables: [], filter: undefined, iptables: undefined, upstream: [] },
  ...{ leases: [], unseen: [] },
};

const BLUE: HostFacts = {
  ...NOTHING,
  links: [link(1, 'lo'), link(2, 'eth0'), link(5, 'flannel.20', 'flanneld:blue')],
  routes: [
    route('10.20.7.0/24', { link: 5, gateway: ip('10.20.7.0'), onlink: true }),
    route('10.20.9.0/24'),
    route('10.20.0.0/16', { protocol: PROTOCOL.static }),
    route('192.168.77.0/24'),
  ],
  statuses: [status('blue')],
  envs: [{ path: '/run/blue.env', network: 'blue', ranges: [RANGE] }],
  tables: [table('flannel-blue', 'forward', 'postrtg')],
};

function plan(facts: HostFacts, network?: string, keepState = false): CleanupPlan {
  return cleanupPlan(facts, { network, keepState });
}
const objects = (facts: HostFacts, network?: string): readonly string[] =>
  plan(facts, network).steps.map(({ object }) => object);

test('everything of a network goes, in an order in which nobody begins to use it', (t) => {
  const state = {
    ...{
      network: 'blue',
      folder: '/state/blue',
      files: ['/state/blue/lock'],
      others: [],
      lockedBy: undefined,
    },
    ...{ prefix: '/n/blue', ranges: [], nodeId: 'n1' },
  };
  t.deepEqual(objects({ ...BLUE, states: [state] }), [
    'env file /run/blue.env',
    'route 10.20.9.0/24 via 192.168.50.2 dev eth0 proto 241',
    'device flannel.20, with 1 route and what else is on it',
    'nft table ip flannel-blue',
    'state file /state/blue/lock',
    'state folder /state/blue',
    'status file /run/blue.status.json',
  ]);
  t.false(
    plan({ ...BLUE, states: [state] }, undefined, true).steps.some(({ object }) =>
      object.startsWith('state'),
    ),
  );
});

test('what is somebody else’s stays, and what looks like ours is told', (t) => {
  const facts: HostFacts = {
    ...BLUE,
    links: [...BLUE.links, link(8, 'flannel.1'), link(9, 'flannel.21', 'upstream:blue')],
    tables: [
      ...BLUE.tables,
      table('flannel-red', 'forward', 'mine'),
      table('flannel-ipv4', 'postrtg', 'forward'),
    ],
    envs: [
      ...BLUE.envs,
      { path: '/run/flannel/subnet.env', network: undefined, ranges: [cidr('10.5.0.0/16')] },
    ],
  };
  t.deepEqual(objects(facts), objects(BLUE));
  const left = plan(facts).left.join('\n');
  t.regex(left, /device flannel\.1 stays/);
  t.regex(left, /device flannel\.21 stays/);
  t.regex(left, /route 192\.168\.77\.0\/24 .* stays/);
  t.regex(left, /nft table ip flannel-red stays: it holds a chain mine/);
  t.regex(left, /nft table ip flannel-ipv4 stays/);
  t.regex(left, /env file \/run\/flannel\/subnet\.env stays/);
});

test('a network that somebody runs is refused, with who it is; the others go', (t) => {
  const red = { links: [link(6, 'flannel.21', 'flanneld:red')] };
  const cases: readonly (readonly [Partial<HostFacts>, RegExp])[] = [
    [{ statuses: [status('red', { liveness: 'alive' }), status('blue')] }, /process 7, which wrote/],
    [
      {
        daemons: [
          { socket: '/run/flannel/flanneld.sock', pid: 9, networks: [{ name: 'red', prefix: '/n/red' }] },
        ],
      },
      /process 9, which answers at/,
    ],
    [
      {
        states: [
          {
            ...{ network: 'red', folder: '/state/red', files: [], others: [], lockedBy: 'process 11' },
            ...{ prefix: undefined, ranges: [], nodeId: undefined },
          },
        ],
      },
      /process 11, which holds its state folder/,
    ],
    [{ statuses: [status('red', { liveness: 'unknown' }), status('blue')] }, /of another pid namespace/],
  ];
  for (const [more, reason] of cases) {
    const facts = { ...BLUE, ...more, links: [...BLUE.links, ...red.links] };
    const { refused, steps } = plan(facts);
    t.deepEqual(
      refused.map(({ network }) => network),
      ['red'],
    );
    t.regex(refused[0]?.reason ?? '', reason);
    t.false(steps.some(({ object }) => object.includes('flannel.21')));
    t.true(steps.some(({ object }) => object.includes('flannel.20')));
  }
  t.deepEqual(
    plan({ ...BLUE, statuses: [status('blue', { state: 'stopped', liveness: 'alive' })] }).refused,
    [],
  );
});

test('with a network named, only that one goes', (t) => {
  const facts: HostFacts = {
    ...BLUE,
    links: [...BLUE.links, link(6, 'flannel.21', 'flanneld:red')],
    staleSockets: ['/run/flannel/flanneld.sock'],
    tables: [...BLUE.tables, table('flanneld-isolation-abcd1234', 'forward', 'from-0123456789ab')],
  };
  t.deepEqual(objects(facts, 'red'), ['device flannel.21']);
  t.true(objects(facts).includes('nft table ip flanneld-isolation-abcd1234'));
  t.true(objects(facts).includes('/run/flannel/flanneld.sock, of a socket to which nobody listens'));
});

test('the table between networks stays as long as its daemon may live', (t) => {
  const running = status('red', { liveness: 'alive' });
  const isolation = table('flanneld-isolation-abcd1234', 'forward');
  t.true(
    objects({ ...BLUE, statuses: [...BLUE.statuses, running], tables: [isolation] }).some((text) =>
      text.includes('isolation'),
    ),
  );
  // sha256('/n') begins with these: the place of a daemon that follows /n.
  const own = table('flanneld-isolation-9e2ba80f', 'forward');
  const sum = objects({ ...BLUE, statuses: [...BLUE.statuses, running], tables: [own] });
  t.is(
    sum.some((text) => text.includes('isolation')),
    false,
  );
});

test('records go where the pod is gone; a living one is told', (t) => {
  const uses = new Map([
    [
      '/run/blue.env',
      [
        { path: '/run/cni/a', pod: 'a (eth0)', gone: true },
        { path: '/run/cni/b', pod: 'b (eth0)', gone: false },
      ],
    ],
  ]);
  t.true(objects({ ...BLUE, uses }).includes('record /run/cni/a of pod a (eth0), which is gone'));
  t.false(objects({ ...BLUE, uses }).some((text) => text.includes('/run/cni/b')));
  t.regex(plan({ ...BLUE, uses }).left.join(), /pod b \(eth0\) still lives/);
});

test('chains of iptables go once, those of another range stay', (t) => {
  const save = (range: string): string =>
    [
      '*filter',
      ':FORWARD ACCEPT [0:0]',
      ':FLANNEL-FWD - [0:0]',
      '-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD',
      `-A FLANNEL-FWD -s ${range} -m comment --comment "flanneld forward" -j ACCEPT`,
      'COMMIT',
      '',
    ].join('\n');
  const ours = plan({ ...BLUE, iptables: parseSave(save('10.20.0.0/16')) }).steps.filter(
    ({ act }) => act.kind === 'iptables',
  );
  t.is(ours.length, 1);
  t.regex(ours[0]?.object ?? '', /-D FORWARD .*; -X FLANNEL-FWD/);
  const foreign = plan({ ...BLUE, iptables: parseSave(save('10.99.0.0/16')) });
  t.false(foreign.steps.some(({ act }) => act.kind === 'iptables'));
});

test('what is gone already is success, so that an interrupted run is finished by the next', async (t) => {
  const kernel = new FakeKernel();
  const idle = {
    run: () => Promise.resolve({ code: 0, stdout: '', stderr: '' }),
    send: () => Promise.resolve(),
  };
  const host = { kernel, nft: idle, tool: idle } as never;
  const { steps } = plan(BLUE);
  const outcomes = await carryOutPlan(
    host,
    () => Promise.resolve(),
    steps.filter(({ act }) => act.kind !== 'file'),
  );
  t.deepEqual(
    outcomes.filter(({ failure }) => failure !== undefined),
    [],
  );
});
