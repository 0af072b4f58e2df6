// What looks on while faults are done: judges probes that are old enough, ends disturbances that are over, samples
// memory and handles, counts strays. Started once, stopped before the lab is closed.

import { monotonic } from '../../src/lab/monotonic.js';
import { LEASE_REASON } from './lease-watch.js';
import { pause } from './pause.js';
import type { Scene } from './scene.js';
import { readStrays } from './strays.js';

const TICK_MS = 200;
const JUDGE_MS = 1000;
const SAMPLE_MS = 2000;
const STRAYS_MS = 3000;
/** By then a probe's fate is told, also by a prober that is late on a busy machine. */
const RIPE_MS = 12_000;

/** Returns the stop, which resolves when nothing looks any more. */
export function startWatchers(scene: Scene): () => Promise<void> {
  const timers = [
    setInterval(() => {
      scene.disturbances.tick(monotonic());
    }, TICK_MS),
    setInterval(() => {
      scene.account.judge(monotonic() - RIPE_MS);
    }, JUDGE_MS),
    setInterval(() => {
      for (const node of scene.nodes) node.sample();
    }, SAMPLE_MS),
  ];
  const stopped = new AbortController();
  const strays = watchStrays(scene, stopped.signal);
  return async () => {
    for (const timer of timers) clearInterval(timer);
    stopped.abort();
    await strays;
  };
}

/** A packet for another host's pods is right only while a lease has changed that somebody may not have heard of. */
async function watchStrays(scene: Scene, signal: AbortSignal): Promise<void> {
  const counted = scene.nodes.map(() => 0);
  let before = monotonic();
  while (!signal.aborted) {
    await pause(STRAYS_MS);
    const from = before;
    before = monotonic();
    for (const { index, host, name } of scene.nodes) {
      const strays = await readStrays(host);
      const more = strays - (counted[index] ?? 0);
      counted[index] = strays;
      if (more === 0) continue;
      if (scene.disturbances.any(from, monotonic(), LEASE_REASON)) scene.figures.excusedStrays += more;
      else scene.timeline.violate('wrong-host', `${more} packets for others arrived at ${name}`, index);
    }
  }
}
