// Checks of etcd: members, versions, majority, latency, clock, and the configs in it. Pure.

import { check, fail, ok, skip, warn, type Finding } from './check.js';
import type { DaemonFacts, MemberSeen, StoreFacts } from './facts.js';

export const STORE_CHECKS = [
  check({
    id: 'etcd',
    title: 'etcd',
    looksAt: 'whether each endpoint answers, its version, and whether the daemon is connected',
    needs: ['store', 'daemons'],
    judge: ({ store, daemons }) => [
      ...store.members.map((member) => judgeMember(member, store.members)),
      ...daemons.answering.flatMap(({ status }) => status.networks.flatMap(judgeConnection)),
    ],
  }),
  check({
    id: 'etcd-quorum',
    title: 'majority of etcd',
    looksAt: 'a linearizable read, and whether the members know a leader',
    needs: ['store'],
    judge: ({ store }) => [judgeQuorum(store)],
  }),
  check({
    id: 'etcd-latency',
    title: 'latency of etcd',
    looksAt: 'the median of several linearizable reads',
    needs: ['store'],
    judge: ({ store }) => [judgeLatency(store.read)],
  }),
  check({
    id: 'clock',
    title: 'clock',
    looksAt: 'this host’s clock against the Date header of each member of etcd, which has whole seconds',
    needs: ['store'],
    judge: ({ store }) => [judgeClock(store)],
  }),
  check({
    id: 'config',
    title: 'network config',
    looksAt: 'whether each config in etcd can be used, and what the daemon says of it',
    needs: ['store', 'daemons'],
    judge: judgeConfigs,
  }),
];

/** etcd's port of old times, the first of the default of -etcd-endpoints. */
const FORMER = 'http://127.0.0.1:4001';
/** 3.4 has what we use; older ones are not maintained either. */
const OLDEST = [3, 4] as const;

function judgeMember({ endpoint, version, error, times }: MemberSeen, all: readonly MemberSeen[]): Finding {
  if (error !== undefined) {
    const isLast = all.every((member) => member.error !== undefined);
    if (!isLast && endpoint === FORMER) return ok(`${endpoint} is a default, and another endpoint answers`);
    return (isLast ? fail : warn)(
      `${endpoint} does not answer: ${error}`,
      `look whether etcd runs there and is reached: \`curl ${endpoint}/health\`; else give other -etcd-endpoints`,
    );
  }
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  const isOld = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
  const seen = `${endpoint} has version ${version ?? 'unknown'}, ${median(times).toFixed(1)} ms`;
  return isOld ? warn(`${seen}: older than 3.4`, 'upgrade etcd') : ok(seen);
}

function judgeConnection({
  name,
  running,
}: DaemonFacts['answering'][number]['status']['networks'][number]): readonly Finding[] {
  if (running === undefined || running.store.state === 'connected') return [];
  const { reason, since, endpoints } = running.store;
  return [
    fail(
      `the daemon has not reached ${endpoints.join(', ')} since ${since}${reason === '' ? '' : `: ${reason}`}`,
      'mend the way to etcd; traffic goes on, and the lease lives on until it expires',
      name,
    ),
  ];
}

function judgeQuorum({ members, read }: StoreFacts): Finding {
  const answering = members.filter(({ error }) => error === undefined);
  const leaderless = answering.filter(({ hasLeader }) => hasLeader === false);
  const remedy =
    'bring back the members that are away: a majority has to run and reach each other; `etcdctl endpoint status --cluster`';
  if ('error' in read) return fail(`no read with a majority behind it: ${read.error}`, remedy);
  const [first] = leaderless;
  if (first !== undefined) return warn(`${first.endpoint} knows no leader`, remedy);
  return ok(`${answering.length} of ${members.length} endpoints answer, with a leader`);
}

/** Claims and renewals take a handful of calls, and the client gives one up after 5 s. */
const SLOW_MS = 100;
const TOO_SLOW_MS = 1_000;

function judgeLatency(read: StoreFacts['read']): Finding {
  if ('error' in read) return skip('nothing can be read');
  const ms = median(read.times);
  const seen = `${ms.toFixed(1)} ms (median of ${read.times.length} reads)`;
  const remedy = 'look at the disks of etcd (fsync) and the way to it: `etcdctl check perf`';
  if (ms >= TOO_SLOW_MS) return fail(seen, remedy);
  return ms >= SLOW_MS ? warn(seen, remedy) : ok(seen);
}

/** The header's second may just have begun or be over, and the answer has travelled. */
const SKEW_MS = 5_000;

function judgeClock({ members, tls }: StoreFacts): Finding {
  const told = members.flatMap(({ endpoint, clockAheadMs }) =>
    clockAheadMs === undefined ? [] : [{ endpoint, aheadMs: clockAheadMs }],
  );
  const [first] = told.toSorted((a, b) => Math.abs(b.aheadMs) - Math.abs(a.aheadMs));
  if (first === undefined) return skip('no member of etcd told its time');
  const seconds = Math.round(Math.abs(first.aheadMs) / 1_000);
  if (Math.abs(first.aheadMs) < SKEW_MS)
    return ok(
      `within ${Math.max(1, seconds)} s of ${told.length === 1 ? first.endpoint : `${told.length} members of etcd`}`,
    );
  const harm = tls ? 'certificates count as expired or not yet valid' : 'times in logs do not fit together';
  return warn(
    `this host is ${seconds} s ${first.aheadMs > 0 ? 'behind' : 'ahead of'} ${first.endpoint}: ${harm} (leases do not depend on it)`,
    '`timedatectl set-ntp true`, or start the host’s time service',
  );
}

function judgeConfigs({
  store,
  daemons,
}: {
  readonly store: StoreFacts;
  readonly daemons: DaemonFacts;
}): readonly Finding[] {
  const stored = store.networks.map(({ name, prefix, config }) =>
    config.usable
      ? ok(`${prefix}/config: ${config.range}, ${config.backend}`, name)
      : fail(
          `${prefix}/config: ${config.reason}`,
          `\`flanneld networks validate FILE\` checks one; \`etcdctl put ${prefix}/config …\` puts it`,
          name,
        ),
  );
  const codes = ['config-refused', 'config-gone', 'waiting-for-config'];
  const told = daemons.answering.flatMap(({ status }) =>
    status.networks.flatMap(({ name, reasons }) =>
      reasons
        .filter(
          ({ code }) =>
            codes.includes(code) &&
            !stored.some(({ network, status }) => network === name && status === 'fail'),
        )
        .map(({ text }) => warn(text, '`flanneld networks list` shows what etcd has', name)),
    ),
  );
  return [...stored, ...told];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
