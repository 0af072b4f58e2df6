// The client on a three-member etcd that loses members: calls succeed within their deadline, a watch loses no event,
// a lease is kept. How long they are held up is measured by `npm run bench:etcd`.

import test, { type ExecutionContext } from 'ava';

import { EtcdClient } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { EtcdError } from '../../src/etcd/errors.js';
import { startEtcdCluster, type LabEtcdCluster } from '../../src/lab/etcd-cluster.js';
import type { LabEtcd } from '../../src/lab/etcd.js';
import { testParts } from '../helpers/etcd-log.js';
import { eventually } from '../helpers/etcd-wait.js';
import { etcdBinary, hasEtcd } from '../helpers/etcd.js';

const CALL_MS = 5_000;
let started: Promise<LabEtcdCluster> | undefined;

test.after.always(async () => (await started)?.stop());

/** The cluster of this file, whole, and its members with the leader first; undefined where there is no etcd. */
async function cluster(
  t: ExecutionContext,
): Promise<[LabEtcdCluster, LabEtcd, LabEtcd, LabEtcd] | undefined> {
  if (!hasEtcd(t)) return undefined;
  started ??= startEtcdCluster({ binary: etcdBinary() });
  const all = await started;
  const leader = await all.leader();
  const [first, second] = await all.followers();
  return [all, leader, first!, second!];
}

function clientFor(t: ExecutionContext, members: readonly LabEtcd[]): EtcdClient {
  const endpoints = parseEndpoints(members.map(({ endpoint }) => endpoint).join(','));
  const client = new EtcdClient({ endpoints, callTimeoutMs: CALL_MS }, testParts());
  t.teardown(() => {
    client.close();
  });
  return client;
}

let prefixes = 0;

/** Somebody who writes all the time, through another client, and somebody who watches. */
class Traffic {
  readonly prefix = `/traffic/${prefixes++}/`;
  readonly written: bigint[] = [];
  readonly seen: bigint[] = [];
  readonly lines: string[] = [];
  /** What writes failed for: their fate is unknown. */
  readonly failures: string[] = [];
  readonly #writer: EtcdClient;
  readonly #done: Promise<void>;
  #stopped = false;

  constructor(writer: EtcdClient, watcher: EtcdClient) {
    this.#writer = writer;
    watcher.watch(
      { prefix: this.prefix, startRevision: 1n },
      {
        events: (events) => this.seen.push(...events.map(({ kv }) => kv.modRevision)),
        compacted: () => this.lines.push('compacted'),
        disconnected: () => this.lines.push('disconnected'),
        connected: () => this.lines.push('connected'),
      },
    );
    this.#done = this.#write();
  }

  async flows(): Promise<void> {
    const [before, watched] = [this.written.length, this.seen.length];
    await eventually('writes', () => this.written.length > before + 3, 15_000);
    await eventually('events', () => this.seen.length > watched + 3, 15_000);
  }

  async #write(): Promise<void> {
    for (let index = 0; !this.#stopped; index++) {
      try {
        this.written.push(await this.#writer.kv.put(`${this.prefix}a`, String(index)));
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
        // The test has failed already, and closes the clients.
        if (error.code === 'closed') return;
        if (!error.retryable) throw error;
        this.failures.push(error.message);
      }
    }
  }

  /** Ends the writing. Every write there was, and no other, was seen, in order and once. */
  async complete(t: ExecutionContext): Promise<void> {
    this.#stopped = true;
    await this.#done;
    const { keys } = await this.#writer.kv.range({ key: `${this.prefix}a` });
    const last = keys[0]?.modRevision ?? 0n;
    await eventually('the last event', () => this.seen.at(-1) === last, 15_000);
    const seen = new Set(this.seen);
    t.is(seen.size, this.seen.length, 'no event twice');
    t.deepEqual(
      this.written.filter((revision) => !seen.has(revision)),
      [],
      'no event lost',
    );
    t.deepEqual(
      this.seen,
      [...this.seen].sort((a, b) => Number(a - b)),
      'in order',
    );
    t.is(this.seen.length, Number(keys[0]?.version), 'as many events as the key has versions');
    t.log(
      `${this.written.length} writes, ${this.failures.length} of unknown fate, ${this.seen.length} events`,
    );
  }
}

function thawed(member: LabEtcd): Promise<void> {
  member.thaw();
  return Promise.resolve();
}

/** Calls of each kind, together; each succeeds, or the test fails. */
async function callsSucceed(t: ExecutionContext, client: EtcdClient, lease: bigint): Promise<void> {
  const begun = performance.now();
  const timed = async (call: Promise<unknown>): Promise<number> => {
    await call;
    return performance.now() - begun;
  };
  const took = await Promise.all([
    timed(client.kv.range({ key: '/a' })),
    timed(client.kv.transaction('write', { compare: [], success: [{ type: 'put', key: '/a', value: 'b' }] })),
    timed(client.leases.keepAlive(lease)),
  ]);
  t.log(`read, transaction, keep-alive: ${took.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}`);
}

for (const [what, uses, happens, undone] of [
  ['the leader, which is in use, is killed', 'leader', (one) => one.kill(), (one) => one.start()],
  ['the leader, which is not in use, is killed', 'follower', (one) => one.kill(), (one) => one.start()],
  ['the leader is stopped in order', 'leader', (one) => one.kill('SIGTERM'), (one) => one.start()],
  ['the leader, which is in use, is frozen', 'leader', (one) => one.freeze(), thawed],
  ['the leader, which is not in use, is frozen', 'follower', (one) => one.freeze(), thawed],
] satisfies readonly [
  string,
  'leader' | 'follower',
  (leader: LabEtcd) => Promise<void>,
  (leader: LabEtcd) => Promise<void>,
][]) {
  test.serial(`${what}: calls go through, the watch misses nothing, the lease lives`, async (t) => {
    const all = await cluster(t);
    if (all === undefined) return;
    const [, leader, follower, other] = all;
    const order = uses === 'leader' ? [leader, follower, other] : [follower, other, leader];
    const client = clientFor(t, order);
    const { id } = await client.leases.grant(10);
    const traffic = new Traffic(clientFor(t, [other, follower]), client);
    await traffic.flows();
    try {
      await happens(leader);
      await callsSucceed(t, client, id);
      await traffic.flows();
    } finally {
      await undone(leader);
    }
    await traffic.flows();
    t.true((await client.leases.timeToLive(id)) > 0);
    await traffic.complete(t);
  });
}

test.serial('the follower in use is frozen: it is left for another within the call', async (t) => {
  const all = await cluster(t);
  if (all === undefined) return;
  const [, leader, follower, other] = all;
  const client = clientFor(t, [follower, leader, other]);
  const { id } = await client.leases.grant(10);
  const traffic = new Traffic(clientFor(t, [leader, other]), client);
  await traffic.flows();
  await follower.freeze();
  try {
    const begun = performance.now();
    await callsSucceed(t, client, id);
    await eventually('the loss', () => traffic.lines.includes('disconnected'), 15_000);
    const lostAfter = performance.now() - begun;
    t.true(lostAfter < 10_000, `the watch noticed after ${lostAfter.toFixed(0)} ms`);
    await traffic.flows();
  } finally {
    follower.thaw();
  }
  await traffic.complete(t);
  t.deepEqual(traffic.failures, []);
});

test.serial('the leader moves: calls go through, and the watch does not notice', async (t) => {
  const all = await cluster(t);
  if (all === undefined) return;
  const [members, leader, follower, other] = all;
  const client = clientFor(t, [leader, follower, other]);
  const { id } = await client.leases.grant(10);
  const traffic = new Traffic(clientFor(t, [follower, leader]), client);
  for (const next of [follower, other, leader]) {
    await traffic.flows();
    await members.moveLeader(next);
    await callsSucceed(t, client, id);
  }
  await traffic.complete(t);
  t.deepEqual(traffic.lines, ['connected']);
});

test.serial(
  'the majority is lost: a watch on the member that is left ends, and goes on with the majority',
  async (t) => {
    const all = await cluster(t);
    if (all === undefined) return;
    const [members, leader, follower, other] = all;
    const client = clientFor(t, [follower]);
    const { id } = await client.leases.grant(60);
    const traffic = new Traffic(clientFor(t, [follower, other, leader]), client);
    await traffic.flows();
    const begun = performance.now();
    await Promise.all([leader.kill(), other.kill()]);
    const failed = await t.throwsAsync(client.kv.range({ key: '/a' }), { instanceOf: EtcdError });
    const took = performance.now() - begun;
    t.true(failed.retryable && took < CALL_MS + 1_000, `${failed.message} after ${took.toFixed(0)} ms`);
    await eventually('the loss', () => traffic.lines.includes('disconnected'), 15_000);
    t.log(`the watch noticed after ${(performance.now() - begun).toFixed(0)} ms`);
    t.true(performance.now() - begun < 10_000);
    const status = await client.status();
    t.false(status.hasLeader, 'the member itself answers, and says that it has no leader');
    const write = await t.throwsAsync(client.kv.put('/a', 'b'), { instanceOf: EtcdError });
    t.is(write.code, 'busy', write.message);
    await Promise.all([leader.start(), other.start()]);
    await members.leader();
    await callsSucceed(t, client, id);
    await traffic.flows();
    await traffic.complete(t);
  },
);
