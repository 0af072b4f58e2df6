// What happens to who a host is: set up anew, copied from another one with its machine-id, another address.

import type { SimCluster } from './sim-cluster.js';
import { kind, situationOf, type Situation } from './step.js';
import { milliseconds } from './words.js';

const isAwake = (situation: Situation, host: string): boolean => !situationOf(situation, host).asleep;
const areTwo = (situation: Situation, host: string, other: string): boolean =>
  host !== other && isAwake(situation, host);

function setUpAnew(cluster: SimCluster, host: string): void {
  cluster.host(host).setUpAnew();
  situationOf(cluster.situation, host).running = true;
  cluster.host(host).start();
}

/** Two with one machine-id, until somebody gives the copy its own. */
function copy(cluster: SimCluster, name: string, original: string, time: string): void {
  const [host, situation] = [cluster.host(name), situationOf(cluster.situation, name)];
  host.copy(cluster.host(original));
  situation.running = true;
  host.start();
  cluster.later(milliseconds(time), () => {
    host.setUpAnew();
    if (situation.running) host.start();
  });
}

async function move(cluster: SimCluster, host: string): Promise<void> {
  // Others may hold the old address against it until they have heard of the new one.
  cluster.judge.tampered();
  await cluster.host(host).move();
}

export const IDENTITY_STEPS = [
  kind('set {host} up anew', 2, setUpAnew, isAwake),
  kind('{host} becomes a copy of {host} for {time}', 3, copy, areTwo),
  kind('{host} gets another address', 3, move, isAwake),
];
