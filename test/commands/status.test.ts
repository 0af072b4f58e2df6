// `flanneld status` of a fake daemon over a real socket: every line a person reads, and the exit codes.

import test from 'ava';
import type { NetworkDocument } from '../../src/api/model.js';
import { NETWORK, RUNNING } from '../fakes/daemon-view.js';
import { apiWorld } from '../helpers/api.js';
import { command } from '../helpers/command.js';

test('a healthy daemon, as a person reads it', async (t) => {
  const { api } = await apiWorld(t);
  const { code, out, err } = await command(['status', '--socket', api.socket ?? '']);
  t.deepEqual([code, err], [0, '']);
  t.is(
    out,
    `ready: flanneld 0.1.0 on nine, node node-9, pid 4242

network (/coreos.com/network): ready
  subnet:      10.5.9.0/24, announced at 192.0.2.9
  lease:       holds for 23 h 53 min unless it is renewed
  store:       connected since 2026-01-01T00:00:00.000Z (http://127.0.0.1:2379)
  backend:     vxlan, device flannel.1, MTU 1450, VNI 1, port 8472
  interface:   eth0, 192.0.2.9, MTU 1500
  peers:       2 of 3 reachable, 1 not reachable
  kernel:      as wanted, after 3 passes
  last repair: none
  pool:        4 of 256 subnets leased (2 %)
  env file:    /run/flannel/subnet.env
`,
  );
});

const REASON = {
  code: 'wanted-differs',
  level: 'not-ready',
  text: 'the kernel is not as wanted',
  seconds: 65,
} as const;
const SICK: NetworkDocument = {
  ...NETWORK,
  name: 'blue',
  prefix: '/networks/blue',
  state: 'not-ready',
  reasons: [REASON],
  lastError: { at: '2026-01-01T00:00:01.000Z', text: 'a change was refused\u001b[2J\nand more' },
  running: {
    ...RUNNING,
    lease: { ...RUNNING.lease, secondsLeft: -61 },
    store: { ...RUNNING.store, state: 'disconnected', reason: 'connection refused' },
    kernel: {
      asWanted: false,
      problems: Array.from({ length: 7 }, (_, index) => `route ${index} is missing`),
      passes: 1,
      lastRepair: { at: '2026-01-01T00:00:02.000Z', text: 'route 10.5.10.0/24 was put back' },
    },
    peers: { total: 5, reachable: 0, unreachable: 1, unknown: 4 },
    pool: { total: 10, leased: 9 },
  },
};

test('a network that is not ready says why, and the command ends with 4', async (t) => {
  const { api, view } = await apiWorld(t);
  view.document = { ...view.document, state: 'not-ready', networks: [NETWORK, SICK] };
  const { code, out } = await command(['status', '--socket', api.socket ?? '']);
  t.is(code, 4);
  const block = out.slice(out.indexOf('blue'));
  t.is(
    block,
    `blue (/networks/blue): not ready
  because:     the kernel is not as wanted, for 1 min 5 s
  subnet:      10.5.9.0/24, announced at 192.0.2.9
  lease:       ran out 1 min 1 s ago
  store:       disconnected since 2026-01-01T00:00:00.000Z (http://127.0.0.1:2379): connection refused
  backend:     vxlan, device flannel.1, MTU 1450, VNI 1, port 8472
  interface:   eth0, 192.0.2.9, MTU 1500
  peers:       0 of 5 reachable, 1 not reachable, 4 not known
  kernel:      not as wanted: route 0 is missing; route 1 is missing; route 2 is missing; route 3 is missing; route 4 is missing; and 2 more
  last repair: route 10.5.10.0/24 was put back (2026-01-01T00:00:02.000Z)
  pool:        9 of 10 subnets leased (90 %)
  env file:    /run/flannel/subnet.env
  last error:  a change was refused [2J and more (2026-01-01T00:00:01.000Z)
`,
  );
  const one = await command(['status', '--socket', api.socket ?? '', '--network', 'network']);
  t.is(one.code, 0);
  t.false(one.out.includes('blue'));
});

test('a network that waits has its reasons alone; a degraded one ends with 0', async (t) => {
  const { api, view } = await apiWorld(t);
  const { name, prefix, subnetFiles } = SICK;
  const reasons = [{ ...REASON, level: 'degraded' as const }];
  const waiting: NetworkDocument = { name, prefix, subnetFiles, reasons, state: 'degraded' };
  view.document = { ...view.document, state: 'degraded', networks: [waiting] };
  const { code, out } = await command(['status', '--socket', api.socket ?? '']);
  t.is(code, 0);
  t.regex(out, /^degraded: .*\n\nblue \(\/networks\/blue\): degraded\n {2}because: +the kernel/);
  t.false(out.includes('subnet:'));
});

test('a daemon that has no network yet is not ready', async (t) => {
  const { api, view } = await apiWorld(t);
  view.document = {
    ...view.document,
    state: 'not-ready',
    networks: [],
    probe: { state: 'unavailable', intervalSeconds: 10, reason: 'no CAP_NET_RAW' },
  };
  const { code, out } = await command(['status', '--socket', api.socket ?? '']);
  t.is(code, 4);
  t.is(
    out,
    'not ready: flanneld 0.1.0 on nine, node node-9, pid 4242, peers are not probed (no CAP_NET_RAW)\n\nthere is no network yet\n',
  );
});

test('--json is what the daemon says, with its socket', async (t) => {
  const { api, view } = await apiWorld(t);
  const { code, out } = await command(['status', '--json', '--socket', api.socket ?? '']);
  t.is(code, 0);
  t.deepEqual(JSON.parse(out), { daemons: [{ socket: api.socket, ...view.status() }] });
});

test('colour is for terminals, and not where NO_COLOR or a dumb terminal says otherwise', async (t) => {
  const { api } = await apiWorld(t);
  const words = ['status', '--socket', api.socket ?? ''];
  t.true((await command(words, { isTerminal: true })).out.includes('\u001b[32mready\u001b[0m'));
  for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }])
    t.false((await command(words, { isTerminal: true, env })).out.includes('\u001b'));
  t.false((await command(words)).out.includes('\u001b'));
});

test('no network of that name: 1, with those there are; no daemon: 3', async (t) => {
  const { api } = await apiWorld(t);
  t.deepEqual(await command(['status', '--socket', api.socket ?? '', '--network', 'red']), {
    code: 1,
    out: '',
    err: 'flanneld: no network "red": there is network\n',
  });
  const none = await command(['status', '--socket', '/nowhere/x.sock']);
  t.is(none.code, 3);
  t.regex(none.err, /^flanneld: no flanneld answers at \/nowhere\/x\.sock; is it running\?/);
});
