// Faults of the wire: a host that does not reach some members of etcd, or some of its peers.

import { monotonic } from '../../src/lab/monotonic.js';
import type { Of } from './faults.js';
import { nodeOf } from './inject-host.js';
import { pause } from './pause.js';
import type { Scene } from './scene.js';

export async function injectStoreCut(
  scene: Scene,
  { host, members, forMs }: Omit<Of<'cut-store'>, 'kind'>,
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { name } = nodeOf(scene, host);
  const pairs = members.map((member) => [name, memberName(scene, member)] as const);
  await scene.cuts.cut(pairs);
  scene.conditions.cutOff(host, members, true);
  await Promise.all([pause(forMs), meanwhile()]);
  scene.conditions.cutOff(host, members, false);
  await scene.cuts.heal(pairs);
}

/** Only the paths between them are disturbed, and only as long as it lasts. */
export async function injectPeerCut(scene: Scene, { host, peers, forMs }: Of<'cut-peers'>): Promise<void> {
  const { name } = nodeOf(scene, host);
  const pairs = peers.map((peer) => [name, nodeOf(scene, peer).name] as const);
  const reason = `${name} is cut off peers`;
  const ends = peers.map((peer) => scene.disturbances.begin([host, peer], reason, monotonic()));
  await scene.cuts.cut(pairs);
  await pause(forMs);
  await scene.cuts.heal(pairs);
  for (const end of ends) end(monotonic());
}

export function memberName(scene: Scene, member: number): string {
  const found = scene.etcd.members[member];
  if (found === undefined) throw new RangeError(`there is no etcd member ${member}`);
  return found.name;
}
