// Checks of the daemon itself.

import test from 'ava';
import type { EnvSeen, FileFacts } from '../../src/doctor/facts.js';
import { REASON_REMEDIES } from '../../src/doctor/remedies.js';
import { testRows } from './rows.js';
import { daemon, daemons, find, HEALTHY, network, RUNNING, waiting } from './scene.js';

const { files } = HEALTHY;

testRows('daemon', [
  { title: 'it answers', status: 'ok', seen: /version 0\.1\.0, pid 100, at \/run\/flannel\/flanneld\.sock/ },
  {
    title: 'it is older than the command',
    facts: { daemons: daemons({ ...daemon(), untold: ['its options'] }) },
    status: 'warn',
    seen: /does not tell its options/,
    remedy: /systemctl restart flanneld/,
  },
  {
    title: 'it has the socket and does not answer',
    facts: { daemons: { answering: [], refused: [{ socket: '/s', reason: 'no answer', denied: false }] } },
    status: 'warn',
    seen: /\/s: no answer/,
    remedy: /journalctl/,
  },
  {
    title: 'skipped where it may not be asked',
    facts: {
      daemons: { answering: [], refused: [{ socket: '/s', reason: 'not for this user', denied: true }] },
    },
    status: 'skip',
    seen: /may not be asked: not for this user; run this command as root/,
  },
  {
    title: 'skipped before the installation',
    facts: { daemons: daemons(), files: { env: [], stale: [] } },
    status: 'skip',
    seen: /before the installation/,
  },
  {
    title: 'it is gone and has left its files',
    facts: { daemons: daemons() },
    status: 'fail',
    seen: /no daemon answers, although .*blue\.env is there/,
    remedy: /systemctl start flanneld/,
  },
  {
    title: 'skipped where upstream’s runs',
    facts: { daemons: daemons(), upstream: { pids: [7] } },
    status: 'skip',
    seen: /upstream's runs \(pid 7\)/,
  },
]);

testRows('health', [
  { title: 'ready', status: 'ok', seen: /^ready$/ },
  {
    title: 'a reason that degrades',
    facts: {
      daemons: daemons(
        daemon([
          network({
            state: 'degraded',
            reasons: [
              { code: 'store-unreachable', level: 'degraded', text: 'etcd is not reachable', seconds: 12 },
            ],
          }),
        ]),
      ),
    },
    status: 'warn',
    seen: /store-unreachable for 12 s: etcd is not reachable/,
    remedy: /etcdctl endpoint health/,
  },
  {
    title: 'a reason that stops',
    facts: { daemons: daemons(daemon([waiting('waiting-for-config', 'there is no network config')])) },
    status: 'fail',
    seen: /waiting-for-config for 7 s/,
    remedy: /etcdctl put/,
  },
  {
    title: 'a reason of a later version',
    facts: { daemons: daemons(daemon([waiting('moon-phase', 'the moon is full')])) },
    status: 'fail',
    seen: /moon-phase/,
    remedy: /docs\/health\.md/,
  },
  {
    title: 'no networks at all',
    facts: { daemons: daemons(daemon([])) },
    status: 'warn',
    seen: /no networks/,
    remedy: /networks list/,
  },
  {
    title: 'skipped without a daemon',
    facts: { daemons: daemons() },
    status: 'skip',
    seen: /no daemon answers/,
  },
]);

const kernelIs = (
  asWanted: boolean,
  ...problems: readonly string[]
): { daemons: ReturnType<typeof daemons> } => ({
  daemons: daemons(daemon([network({ running: { ...RUNNING, kernel: { asWanted, problems, passes: 2 } } })])),
});
testRows('kernel-state', [
  { title: 'as wanted', status: 'ok', seen: /all that is wanted/ },
  {
    title: 'not as wanted',
    facts: kernelIs(false, 'flannel.1 is a dummy'),
    status: 'fail',
    seen: /flannel\.1 is a dummy/,
    remedy: /flanneld status/,
  },
  {
    title: 'not as wanted, and nothing more is known',
    facts: kernelIs(false),
    status: 'fail',
    seen: /not as wanted/,
    remedy: /flanneld status/,
  },
  {
    title: 'skipped while it waits',
    facts: { daemons: daemons(daemon([waiting('starting', 'x')])) },
    status: 'skip',
    seen: /does not run/,
  },
]);

const envIs = (change: Partial<EnvSeen>): { files: FileFacts } => ({
  files: { ...files, env: files.env.map((file) => ({ ...file, ...change })) },
});
testRows('env-file', [
  { title: 'as the lease', status: 'ok', seen: /says what the lease says/ },
  {
    title: 'another MTU',
    facts: envIs({ mtu: 1500 }),
    status: 'fail',
    seen: /MTU 1500, and it is 1450/,
    remedy: /restart/,
  },
  {
    title: 'unreadable',
    facts: envIs({ error: 'EACCES' }),
    status: 'fail',
    seen: /cannot be read: EACCES/,
    remedy: /restart/,
  },
  {
    title: 'not there',
    facts: { files: { ...files, env: [] } },
    status: 'fail',
    seen: /is not there/,
    remedy: /restart/,
  },
  {
    title: 'skipped before the network is ready',
    facts: { files: { ...files, env: [] }, daemons: daemons(daemon([network({ state: 'not-ready' })])) },
    status: 'skip',
    seen: /before the network is ready/,
  },
]);

testRows('leftovers', [
  { title: 'none', status: 'ok', seen: /none/ },
  {
    title: 'an env file of no network',
    facts: { files: { ...files, stale: [{ path: '/run/flannel/networks/red.env', why: 'of no network' }] } },
    status: 'warn',
    seen: /red\.env: of no network/,
    remedy: /cleanup --dry-run/,
  },
  { title: 'skipped with the reason', facts: { files: 'EIO' }, status: 'skip', seen: /EIO/ },
]);

test('a document that cannot be made sense of spoils one check alone', (t) => {
  const broken = {
    ...daemon(),
    status: { ...daemon().status, networks: undefined },
  } as unknown as ReturnType<typeof daemon>;
  const [finding] = find('health', { daemons: daemons(broken) });
  t.is(finding?.status, 'warn');
  t.regex(finding?.seen ?? '', /could not make sense/);
  t.is(find('forwarding', { daemons: daemons(broken) })[0]?.status, 'ok');
});

test('every reason of health has a remedy that says something', (t) => {
  for (const [code, remedy] of Object.entries(REASON_REMEDIES)) t.true(remedy.length > 10, code);
});
