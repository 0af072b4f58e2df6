// Checks of etcd.

import { testRows } from './rows.js';
import { daemon, daemons, HEALTHY, network, RUNNING, SINCE, waiting } from './scene.js';

const { store } = HEALTHY;
const [member] = store.members;
const members = (...changes: readonly Partial<NonNullable<typeof member>>[]): { store: typeof store } => ({
  store: {
    ...store,
    members: changes.map((change) => ({ ...member, endpoint: 'http://a:1', times: [1], ...change })),
  },
});

testRows('etcd', [
  { title: 'it answers', status: 'ok', seen: /10\.0\.0\.1:2379 has version 3\.5\.9, 2\.0 ms/ },
  {
    title: 'it is old',
    facts: members({ version: '3.3.27' }),
    status: 'warn',
    seen: /older than 3\.4/,
    remedy: /upgrade/,
  },
  {
    title: 'one of several is away',
    facts: members({ endpoint: 'http://b:1', error: 'connection refused' }, {}),
    status: 'warn',
    seen: /b:1 does not answer: connection refused/,
    remedy: /curl http:\/\/b:1\/health/,
  },
  {
    title: 'the one is away',
    facts: members({ error: 'refused' }),
    status: 'fail',
    seen: /does not answer/,
    remedy: /curl/,
  },
  {
    title: 'the old port among the defaults is no fault',
    facts: members(
      { endpoint: 'http://127.0.0.1:4001', error: 'refused' },
      { endpoint: 'http://127.0.0.1:2379' },
    ),
    status: 'ok',
    seen: /4001 is a default/,
  },
  {
    title: 'the daemon cannot reach it',
    facts: {
      daemons: daemons(
        daemon([
          network({
            running: {
              ...RUNNING,
              store: { ...RUNNING.store, state: 'disconnected', since: SINCE, reason: 'no route' },
            },
          }),
        ]),
      ),
    },
    status: 'fail',
    seen: /has not reached http:\/\/10\.0\.0\.1:2379 since 2026.*no route/,
    remedy: /etcd/,
  },
  {
    title: 'skipped with the reason',
    facts: { store: 'etcd wants the password of root' },
    status: 'skip',
    seen: /password of root/,
  },
]);

testRows('etcd-quorum', [
  { title: 'there is one', status: 'ok', seen: /1 of 1 endpoints/ },
  {
    title: 'no read comes through',
    facts: { store: { ...store, read: { error: 'no leader' } } },
    status: 'fail',
    seen: /no leader/,
    remedy: /majority/,
  },
  {
    title: 'a member has no leader',
    facts: members({ hasLeader: false }),
    status: 'warn',
    seen: /knows no leader/,
    remedy: /etcdctl/,
  },
  { title: 'skipped with the reason', facts: { store: 'x' }, status: 'skip', seen: /x/ },
]);

const times = (...all: number[]): { store: typeof store } => ({ store: { ...store, read: { times: all } } });
testRows('etcd-latency', [
  { title: 'fast', status: 'ok', seen: /3\.0 ms \(median of 3 reads\)/ },
  { title: 'one slow answer is none', facts: times(2, 3, 4, 2_000, 3), status: 'ok', seen: /3\.0 ms/ },
  { title: 'slow', facts: times(150, 160, 170), status: 'warn', seen: /160\.0 ms/, remedy: /disks/ },
  {
    title: 'too slow',
    facts: times(1_500, 1_600, 1_700),
    status: 'fail',
    seen: /1600\.0 ms/,
    remedy: /disks/,
  },
  {
    title: 'skipped where nothing is read',
    facts: { store: { ...store, read: { error: 'x' } } },
    status: 'skip',
    seen: /nothing/,
  },
]);

testRows('clock', [
  { title: 'close', status: 'ok', seen: /within 1 s of http:\/\/10\.0\.0\.1:2379/ },
  {
    title: 'behind',
    facts: members({ clockAheadMs: 61_400 }, { clockAheadMs: 100 }),
    status: 'warn',
    seen: /61 s behind http:\/\/a:1: times in logs/,
    remedy: /timedatectl/,
  },
  {
    title: 'ahead, with certificates',
    facts: { store: { ...members({ clockAheadMs: -9_000 }).store, tls: true } },
    status: 'warn',
    seen: /9 s ahead of http:\/\/a:1: certificates/,
    remedy: /timedatectl/,
  },
  {
    title: 'skipped where nobody tells',
    facts: { store: { ...store, members: [] } },
    status: 'skip',
    seen: /no member/,
  },
]);

testRows('config', [
  {
    title: 'it can be used',
    status: 'ok',
    seen: /\/flannel\/networks\/blue\/config: 10\.5\.0\.0\/16, vxlan/,
  },
  {
    title: 'it cannot',
    facts: {
      store: {
        ...store,
        networks: store.networks.map((stored) => ({
          ...stored,
          config: { usable: false as const, reason: 'SubnetLen is 8' },
        })),
      },
    },
    status: 'fail',
    seen: /config: SubnetLen is 8/,
    remedy: /networks validate/,
  },
  {
    title: 'the daemon refuses a change',
    facts: {
      daemons: daemons(
        daemon([
          network({
            reasons: [
              { code: 'config-refused', level: 'degraded', text: 'a changed config is refused', seconds: 4 },
            ],
          }),
        ]),
      ),
    },
    status: 'warn',
    seen: /a changed config is refused/,
    remedy: /networks list/,
  },
  {
    title: 'skipped where there is none to see',
    facts: { store: { ...store, networks: [] }, daemons: daemons(daemon([waiting('starting', 'x')])) },
    status: 'skip',
    seen: /nothing/,
  },
]);
