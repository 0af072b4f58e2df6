// Faults of etcd itself: members that die, freeze or lose the others, all of them at once, and histories cut short.

import { PREFIX } from '../../src/lab/cluster.js';
import { monotonic } from '../../src/lab/monotonic.js';
import type { WireEtcdMember } from '../../src/lab/wire-etcd-cluster.js';
import type { Of } from './faults.js';
import { injectStoreCut, memberName } from './inject-cut.js';
import { pause } from './pause.js';
import type { Scene } from './scene.js';
import { storeDoes } from './store-does.js';

export async function injectMember(
  scene: Scene,
  { kind, member, forMs }: Of<'etcd-kill' | 'etcd-freeze' | 'etcd-split'>,
): Promise<void> {
  const index = member === 'leader' ? ((await scene.etcd.leader()) ?? 0) : member;
  if (member === 'leader') scene.timeline.note(`the leader of etcd is ${memberName(scene, index)}`);
  if (kind === 'etcd-split') await splitMember(scene, index, forMs);
  else await takeMembers(scene, [index], kind === 'etcd-kill' ? 'kill' : 'freeze', forMs);
}

export function injectOutage(scene: Scene, { how, forMs }: Of<'etcd-outage'>): Promise<void> {
  return takeMembers(scene, [...scene.etcd.members.keys()], how, forMs);
}

async function takeMembers(
  scene: Scene,
  indexes: readonly number[],
  how: 'kill' | 'freeze',
  forMs: number,
): Promise<void> {
  const { etcd, conditions, leaseWatch } = scene;
  const leader = how === 'freeze' ? await etcd.leader() : undefined;
  const members = indexes.map((index) => [index, memberAt(scene, index)] as const);
  await Promise.all(
    members.map(async ([index, member]) => {
      if (how === 'kill') await member.kill();
      else member.freeze();
      conditions.member(index, 'away');
    }),
  );
  await pause(forMs);
  await Promise.all(
    members.map(async ([index, member]) => {
      conditions.member(index, 'starts');
      if (how === 'kill') member.start();
      else member.thaw();
      if (index === leader) leaseWatch.leaderThawed(monotonic(), forMs);
      await etcd.answers(index, 60_000);
      conditions.member(index, 'up');
    }),
  );
}

/** Hosts reach it still, and it says that it has no leader. */
async function splitMember({ etcd, cuts, conditions }: Scene, index: number, forMs: number): Promise<void> {
  const name = etcd.members[index]?.name ?? '';
  const pairs = etcd.members
    .filter((member) => member.name !== name)
    .map((other) => [name, other.name] as const);
  conditions.split(index, true);
  await cuts.cut(pairs);
  await pause(forMs);
  await cuts.heal(pairs);
  await etcd.answers(index, 60_000);
  conditions.split(index, false);
}

/** Behind a host: while it hears nothing, keys come and go, and the history of that is dropped. */
export async function injectCompaction(scene: Scene, fault: Of<'compact' | 'compact-behind'>): Promise<void> {
  const compact = (): Promise<void> =>
    storeDoes(scene, 'compaction', async (store) => {
      await store.compact(await store.revision());
    });
  if (fault.kind === 'compact') return compact();
  const { host, forMs } = fault;
  const members = [...scene.etcd.members.keys()];
  await injectStoreCut(scene, { host, members, forMs }, async () => {
    // Some way into the cut, so that nothing of it is on its way to the host.
    await pause(forMs / 2);
    for (let round = 0; round < 3; round++) {
      await storeDoes(scene, 'key that comes and goes', async (store) => {
        await store.put(`${PREFIX}/subnets/comes-and-goes`, String(round));
        await store.delete(`${PREFIX}/subnets/comes-and-goes`);
      });
    }
    await compact();
  });
}

function memberAt(scene: Scene, index: number): WireEtcdMember {
  const member = scene.etcd.members[index];
  if (member === undefined) throw new RangeError(`there is no etcd member ${index}`);
  return member;
}
