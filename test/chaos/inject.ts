// Does each kind of fault, waits as long as it lasts, and undoes it. Tells the conditions what it does before it does
// it, and afterwards once it is undone, so that nobody is judged for what cannot be helped.

import { byKind, type ByKind, type Fault, type Of } from './faults.js';
import { injectDaemon, injectKernel, injectLink } from './inject-host.js';
import { injectLease, injectPoison, injectWipe, type LeaseFault } from './inject-lease.js';
import { injectCompaction, injectMember, injectOutage } from './inject-store.js';
import { injectPeerCut, injectStoreCut } from './inject-cut.js';
import { describe } from './sentences.js';
import type { Scene } from './scene.js';

/** Resolves when the fault is undone. Rejects when the lab itself could not do it. */
export async function inject(scene: Scene, fault: Fault): Promise<void> {
  scene.timeline.note(`fault: ${describe(fault)}`);
  scene.figures.count(scene.figures.faults, fault.kind);
  await carryOut(scene, fault);
  if (fault.forMs > 0) scene.timeline.note(`over:  ${describe(fault)}`);
}

function carryOut(scene: Scene, fault: Fault): Promise<void> {
  const member = (one: Of<'etcd-kill' | 'etcd-freeze' | 'etcd-split'>): Promise<void> =>
    injectMember(scene, one);
  const daemon = (one: Of<'daemon-kill' | 'daemon-freeze'>): Promise<void> => injectDaemon(scene, one);
  const compaction = (one: Of<'compact' | 'compact-behind'>): Promise<void> => injectCompaction(scene, one);
  const lease = (one: LeaseFault): Promise<void> => injectLease(scene, one);
  const injections: ByKind<Promise<void>> = {
    ...{ 'daemon-kill': daemon, 'daemon-freeze': daemon },
    ...{ 'etcd-kill': member, 'etcd-freeze': member, 'etcd-split': member },
    'etcd-outage': (one) => injectOutage(scene, one),
    'cut-store': (one) => injectStoreCut(scene, one),
    'cut-peers': (one) => injectPeerCut(scene, one),
    ...{ compact: compaction, 'compact-behind': compaction },
    ...{ 'lease-revoke': lease, 'lease-delete': lease, 'lease-corrupt': lease, 'lease-usurp': lease },
    poison: (one) => injectPoison(scene, one),
    'link-flap': (one) => injectLink(scene, one),
    'kernel-delete': (one) => injectKernel(scene, one),
    wipe: () => injectWipe(scene),
  };
  return byKind(injections, fault);
}
