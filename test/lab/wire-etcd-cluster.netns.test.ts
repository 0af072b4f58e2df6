// An etcd of three members on the wire: members die, freeze and are cut off, and whoever follows it from outside
// still hears of every change.

import test, { type ExecutionContext } from 'ava';
import { WireEtcdCluster } from '../../src/lab/wire-etcd-cluster.js';
import { EtcdFollower, type Followed } from '../../src/lab/etcd-follower.js';
import { Lab } from '../../src/lab/lab.js';
import { ping } from '../../src/lab/ping.js';
import { until } from '../../src/lab/until.js';
import { WireCuts } from '../../src/lab/wire-cuts.js';
import { canMakeHosts } from '../helpers/lab.js';

async function makeEtcd(t: ExecutionContext): Promise<{ lab: Lab; etcd: WireEtcdCluster }> {
  const lab = await Lab.create();
  t.teardown(() => lab.close());
  return { lab, etcd: await WireEtcdCluster.start(lab) };
}

/** Follows `/x/` and keeps what it hears, but for the troubles. */
function follow(lab: Lab, endpoints: readonly string[]): Followed[] {
  const heard: Followed[] = [];
  new EtcdFollower(lab.wire, '/x/', endpoints, (line) => {
    if (line.kind !== 'trouble') heard.push(line);
  });
  return heard;
}

const told = (heard: readonly Followed[]): string[] =>
  heard.map((line) => {
    if (line.kind === 'put') return `put ${line.key.key} = ${line.key.value}`;
    return line.kind === 'delete' ? `delete ${line.name}` : line.kind;
  });

test.serial(
  'the store goes on whichever member dies or freezes, and a follower misses nothing',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const { lab, etcd } = await makeEtcd(t);
    const heard = follow(lab, etcd.endpoints);
    await until(() => heard.length > 0, { what: 'the first listing' });
    const expected = ['listing'];

    for (const how of ['kill', 'freeze'] as const) {
      for (const [index, member] of etcd.members.entries()) {
        const key = `/x/${how}${index}`;
        if (how === 'kill') await member.kill();
        else member.freeze();
        await until(() => etcd.store.put(key, 'while it is away'), {
          what: `a write without ${member.name}`,
          timeoutMs: 30_000,
        });
        if (how === 'kill') member.start();
        else member.thaw();
        await etcd.answers(index);
        await etcd.store.delete(key);
        expected.push(`put ${key} = while it is away`, `delete ${key}`);
      }
    }
    await until(() => told(heard).at(-1) === expected.at(-1), {
      what: 'the follower to hear of the last change',
      state: () => told(heard),
    });
    // A write that timed out may have been done, and was then done again.
    t.deepEqual([...new Set(told(heard))], expected);
  },
);

test.serial('a lease that is revoked takes its keys along', async (t) => {
  if (!canMakeHosts(t)) return;
  const { lab, etcd } = await makeEtcd(t);
  const lease = await etcd.store.grant(60);
  await etcd.store.put('/x/bound', '1', { lease });
  const heard = follow(lab, etcd.endpoints);
  await until(() => heard.length > 0, { what: 'the first listing' });
  await etcd.store.revoke(lease);
  await until(() => told(heard).includes('delete /x/bound'), {
    what: 'the key to go',
    state: () => told(heard),
  });
  t.is((await etcd.store.timeToLive(lease)).ttl, -1);
});

test.serial('a follower that was away while history was dropped lists again', async (t) => {
  if (!canMakeHosts(t)) return;
  const { lab, etcd } = await makeEtcd(t);
  const heard = follow(lab, etcd.endpoints.slice(0, 1));
  await until(() => heard.length > 0, { what: 'the first listing' });
  await etcd.members[0]?.kill();
  await until(() => etcd.store.put('/x/missed', '1'), { what: 'a write without it', timeoutMs: 30_000 });
  await etcd.store.delete('/x/missed');
  await etcd.store.put('/x/there', '1');
  await etcd.store.compact(await etcd.store.revision());
  etcd.members[0]?.start();
  await until(() => heard.length > 1, { what: 'what it hears next', timeoutMs: 30_000 });
  t.deepEqual(told(heard), ['listing', 'listing']);
  t.like(heard[1], { keys: [{ key: '/x/there', value: '1' }] });
});

test.serial('a key is made only where there is none, and deleted only as it was seen', async (t) => {
  if (!canMakeHosts(t)) return;
  const { store } = (await makeEtcd(t)).etcd;
  t.deepEqual([await store.create('/x/a', '1'), await store.create('/x/a', '2')], [true, false]);
  const seen = (await store.get('/x/a'))?.modRevision ?? '';
  await store.put('/x/a', '3');
  t.false(await store.deleteUnchanged('/x/a', seen));
  t.true(await store.deleteUnchanged('/x/a', (await store.get('/x/a'))?.modRevision ?? ''));
  t.is(await store.get('/x/a'), undefined);
});

test.serial(
  'a cut between two stations drops what passes between them, both ways, and nothing else',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const lab = await Lab.create();
    t.teardown(() => lab.close());
    const [one, two, three] = [await lab.addHost(), await lab.addHost(), await lab.addStation('other', 201)];
    const reaches = async (from: typeof three, to: typeof three): Promise<boolean> =>
      (await ping(from, to.address, { waitSeconds: 0.3 })).received === 1;
    const cuts = new WireCuts(lab.wire);
    t.true(await reaches(one, two));

    await cuts.cut([['host1', 'host2']]);
    await cuts.cut([['host2', 'host1']]);
    t.deepEqual([await reaches(one, two), await reaches(two, one)], [false, false]);
    t.deepEqual([await reaches(one, three), await reaches(two, three)], [true, true]);
    t.is((await ping(one, lab.wireAddress)).received, 1);
    t.is((await one.must('nft', ['list', 'ruleset'])).trim(), '', 'nothing of it is in the host');

    await cuts.cut([['host1', 'other']]);
    await cuts.heal([['host1', 'host2']]);
    t.deepEqual([await reaches(one, two), await reaches(one, three)], [true, false]);
    await cuts.healAll();
    t.true(await reaches(one, three));
  },
);

test.serial('there is one leader, and another once it is killed', async (t) => {
  if (!canMakeHosts(t)) return;
  const { etcd } = await makeEtcd(t);
  const first = await etcd.leader();
  t.not(first, undefined);
  await etcd.members[first ?? 0]?.kill();
  const next = await until(
    async () => {
      const leader = await etcd.leader();
      return leader !== undefined && leader !== first ? `etcd${leader + 1}` : undefined;
    },
    { what: 'another leader' },
  );
  t.regex(next, /^etcd[123]$/);
});
