// What happens to hosts and their daemons: starts, stops, deaths, suspends, cut links, clocks.

import type { SimCluster } from './sim-cluster.js';
import { kind, situationOf, type Situation } from './step.js';
import { milliseconds } from './words.js';

const isAwake = (situation: Situation, host: string): boolean => !situationOf(situation, host).asleep;
const isRunning = (situation: Situation, host: string): boolean =>
  situationOf(situation, host).running && isAwake(situation, host);
const isDown = (situation: Situation, host: string): boolean =>
  !situationOf(situation, host).running && isAwake(situation, host);

function start(cluster: SimCluster, host: string): void {
  situationOf(cluster.situation, host).running = true;
  cluster.host(host).start();
}

async function stop(cluster: SimCluster, host: string): Promise<void> {
  situationOf(cluster.situation, host).running = false;
  await cluster.until(cluster.host(host).stop());
}

function kill(cluster: SimCluster, host: string): void {
  situationOf(cluster.situation, host).running = false;
  cluster.host(host).kill();
}

function killAndStart(cluster: SimCluster, host: string): void {
  kill(cluster, host);
  start(cluster, host);
}

function reboot(cluster: SimCluster, host: string): void {
  kill(cluster, host);
  cluster.host(host).reboot();
  start(cluster, host);
}

function suspend(cluster: SimCluster, name: string, time: string): void {
  const [host, situation] = [cluster.host(name), situationOf(cluster.situation, name)];
  situation.asleep = true;
  host.suspend();
  cluster.later(milliseconds(time), () => {
    situation.asleep = false;
    host.wake();
  });
}

function cut(cluster: SimCluster, name: string, time: string): void {
  const host = cluster.host(name);
  host.cut();
  cluster.later(milliseconds(time), () => {
    host.heal();
  });
}

function jump(cluster: SimCluster, host: string, time: string): void {
  cluster.host(host).clock.jump(milliseconds(time));
}

export const HOST_STEPS = [
  kind('start {host}', 12, start, isDown),
  kind('stop {host}', 2, stop, isRunning),
  kind('kill {host}', 4, kill, isRunning),
  kind('kill and start {host}', 4, killAndStart, isRunning),
  kind('reboot {host}', 4, reboot, isAwake),
  kind('suspend {host} for {time}', 4, suspend, isAwake),
  kind('suspend {host} for {long}', 2, suspend, isAwake),
  kind('cut {host} from etcd for {time}', 6, cut),
  kind('cut {host} from etcd for {long}', 2, cut),
  kind('the wall clock of {host} jumps by {jump}', 2, jump),
  kind('start everybody', 4, (cluster) => {
    cluster.startAll();
  }),
];
