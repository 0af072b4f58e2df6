// Does each kind of fault, waits as long as it lasts, and undoes it. Tells the conditions what it does before it does
// it, and afterwards once it is undone, so that nobody is judged for what cannot be helped.

import { describe, type Fault } from './faults.js';
import { injectDaemon, injectKernel, injectLink } from './inject-host.js';
import { injectLease, injectPoison, injectWipe } from './inject-lease.js';
import { injectCompaction, injectMember, injectOutage } from './inject-store.js';
import { injectPeerCut, injectStoreCut } from './inject-cut.js';
import type { Scene } from './scene.js';

/** Resolves when the fault is undone. Rejects when the lab itself could not do it. */
export async function inject(scene: Scene, fault: Fault): Promise<void> {
  scene.timeline.note(`fault: ${describe(fault)}`);
  scene.figures.count(scene.figures.faults, fault.kind);
  await carryOut(scene, fault);
  if (fault.forMs > 0) scene.timeline.note(`over:  ${describe(fault)}`);
}

function carryOut(scene: Scene, fault: Fault): Promise<void> {
  switch (fault.kind) {
    case 'daemon-kill':
    case 'daemon-freeze':
      return injectDaemon(scene, fault);
    case 'etcd-kill':
    case 'etcd-freeze':
    case 'etcd-split':
      return injectMember(scene, fault);
    case 'etcd-outage':
      return injectOutage(scene, fault);
    case 'cut-store':
      return injectStoreCut(scene, fault);
    case 'cut-peers':
      return injectPeerCut(scene, fault);
    case 'compact':
    case 'compact-behind':
      return injectCompaction(scene, fault);
    case 'lease-revoke':
    case 'lease-delete':
    case 'lease-corrupt':
    case 'lease-usurp':
      return injectLease(scene, fault);
    case 'poison':
      return injectPoison(scene, fault);
    case 'link-flap':
      return injectLink(scene, fault);
    case 'kernel-delete':
      return injectKernel(scene, fault);
    case 'wipe':
      return injectWipe(scene);
  }
}
