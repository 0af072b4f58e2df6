// Writes of faults to an etcd that other faults may have taken away just now: one that is not served is told and left out.

import type { EtcdStore } from '../../src/lab/etcd-store.js';
import type { Scene } from './scene.js';

/** Does `work` with the store, unless it is away: a request to a frozen member would be done when it thaws, long after. */
export async function storeDoes(
  scene: Scene,
  what: string,
  work: (store: EtcdStore) => Promise<void>,
): Promise<void> {
  if (!scene.conditions.storeServes()) {
    scene.figures.skipped++;
    scene.timeline.note(`etcd is away: no ${what}`);
    return;
  }
  try {
    await work(scene.etcd.store);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    scene.figures.skipped++;
    scene.timeline.note(`etcd did not serve ${what}: ${reason.slice(0, 160)}`);
  }
}
