// What happens to a host's kernel behind the daemon's back: devices and routes deleted, links down, events lost.

import { PROTOCOL } from '../../src/kernel/kernel.js';
import type { SimCluster } from './sim-cluster.js';
import { kind, situationOf, type Situation } from './step.js';
import { milliseconds } from './words.js';

const isAwake = (situation: Situation, host: string): boolean => !situationOf(situation, host).asleep;

async function deleteDevices(cluster: SimCluster, host: string): Promise<void> {
  const { kernel } = cluster.host(host);
  const ours = (await kernel.links()).filter(({ name }) => name.startsWith('flannel'));
  await kernel.asOther.apply(ours.map(({ index }) => ({ kind: 'link', verb: 'delete', index })));
}

async function deleteRoutes(cluster: SimCluster, host: string): Promise<void> {
  const { kernel } = cluster.host(host);
  const ours = (await kernel.routes(4)).filter(({ protocol }) => protocol === PROTOCOL.flanneld);
  await kernel.asOther.apply(ours.map((route) => ({ kind: 'route', verb: 'delete', route })));
}

async function loseEvents(cluster: SimCluster, host: string): Promise<void> {
  await cluster.host(host).kernel.loseEvents(() => deleteRoutes(cluster, host));
}

async function linkDown(cluster: SimCluster, host: string, time: string): Promise<void> {
  const { kernel } = cluster.host(host);
  const index = kernel.indexOf('eth0');
  const set = async (up: boolean): Promise<void> => {
    await kernel.asOther.apply([{ kind: 'link', verb: 'change', index, change: { up } }]);
  };
  await set(false);
  cluster.later(milliseconds(time), () => void set(true));
}

export const KERNEL_STEPS = [
  kind('delete the devices of flannel on {host}', 2, deleteDevices, isAwake),
  kind('delete the routes of flannel on {host}', 2, deleteRoutes, isAwake),
  kind('delete the routes of flannel on {host}, and lose the events', 1, loseEvents, isAwake),
  kind('take the link of {host} down for {moment}', 2, linkDown, isAwake),
];
