// One run of a network, from its beginning to its end: config → lease → backend → peers → env file → ready, then kept so.
// The story alone; its parts are the network-*.ts beside it, and run-network.ts tells it as often as needed.

import { LeaseManager } from '../subnet/lease-manager.js';
import type { LeaseHold } from '../subnet/lease-hold.js';
import type { LeaseRecord } from '../subnet/lease.js';
import { beginNetwork, confirmConfig, type Begun } from './network-begin.js';
import { readPrevious, writeEnv } from './network-env.js';
import { avoidName, programmed, startReconciler, tellHealth } from './network-kernel.js';
import { keepLease, lostLease } from './network-lease.js';
import { followConfig } from './network-changes.js';
import { keepMemory } from './network-memory.js';
import { NetworkPeers } from './network-peers.js';
import { probePeers } from './network-probe.js';
import { cleanUpRules, masqueradeInForce, openNetworkRules, prepareRules } from './network-rules.js';
import { describeSetup, envContents, masquerades, type NetworkRun } from './network-run.js';
import { publicIpOf, type Setup } from './network-setup.js';
import type { PreviousEnv } from './subnet-env.js';

/**
 * Runs the network until its end is aborted, then rejects with the reason. Rejects with FatalError when going on makes
 * no sense, and with NetworkRestart when it has to begin anew.
 */
export async function runOnce(run: NetworkRun): Promise<never> {
  const { parts, options, end } = run;
  const previous = await readPrevious(parts, options);
  const leases = new LeaseManager(parts, options.terms);
  const prepared = prepareRules(parts, options, previous);
  const begun = await begin(run, leases, previous);
  const { setup, own } = begun;
  describeSetup(parts.logger, setup);
  const rules = await openNetworkRules(parts, setup, own, options, prepared, end);
  const { reconciler, engine } = await startReconciler(run, setup, previous, rules);
  const peers = new NetworkPeers(run, setup, own, reconciler);
  const hold = await followStore(run, begun, leases, peers);
  run.stops.add('what is shown', parts.live.run({ peers, hold, reconciler, engine }));
  probePeers(run, { peers, hold, reconciler });
  await programmed(run, reconciler, setup.backend, async () => {
    if (!(await avoidName(run, setup.backend, rules))) return false;
    peers.program();
    return true;
  });
  await masqueradeInForce(parts, rules, masquerades(options, peers.setup), end);
  await writeEnv(parts, options, envContents(options, peers.setup, own), end);
  await followMoves(run, begun, peers, hold);
  ready(run, peers, own);
  followConfig(run, { begun, peers, hold, rules });
  await cleanUpRules(parts, rules);
  return tellHealth(run, reconciler);
}

function begin(run: NetworkRun, leases: LeaseManager, previous: PreviousEnv | undefined): Promise<Begun> {
  const { fail, options } = run;
  return beginNetwork({
    ...run,
    leases,
    previous,
    onIdentityLost: (reason) => {
      fail(lostLease(options, { kind: 'identity', reason }));
    },
  });
}

/** Holds the lease, follows the peers, and keeps what the next life is to know. Resolves when the peers are known. */
async function followStore(
  run: NetworkRun,
  begun: Begun,
  leases: LeaseManager,
  peers: NetworkPeers,
): Promise<LeaseHold> {
  const { parts, options } = run;
  const { health, live } = parts;
  const { remembered, presence } = begun;
  const remember = keepMemory(run, {
    prefix: options.prefix,
    config: () => peers.setup.stored,
    held: () => hold,
    leases: () => peers.leases,
  });
  const hold = keepLease(run, leases, begun, remember);
  if (remembered !== undefined) leaveMemory(run, begun);
  const initial = remembered?.snapshot.peers.map((record) => [record.key, record] as const);
  await peers.follow(
    {
      onChange: (change, all) => {
        hold.follow(change, all);
        live.leasesChanged(change);
        health.describe(`${begun.own.key}, ${Math.max(0, all.size - 1)} peers`);
        remember();
      },
      onState: (state, reason) => {
        parts.logger.info('lease watch', { state, reason });
        live.storeIs(state, reason);
        if (state === 'disconnected') {
          health.set('store-unreachable', reason);
          return;
        }
        health.clear('store-unreachable');
        hold.hurry();
        presence.hurry();
      },
      onSuspicion: (text) => {
        if (text === undefined) health.clear('peers-held');
        else health.set('peers-held', text);
      },
    },
    initial === undefined ? undefined : new Map([...initial, [begun.own.key, begun.own]]),
  );
  return hold;
}

/** Compares what was remembered with the store as soon as that answers; until then the health says so. */
function leaveMemory({ parts, end, fail }: NetworkRun, { setup }: Begun): void {
  parts.health.set('from-snapshot');
  parts.live.storeIs('memory', 'etcd is away, and what the last life knew is used');
  confirmConfig(parts, setup, end).then(
    () => {
      parts.health.clear('from-snapshot');
    },
    (error: unknown) => {
      if (!end.aborted) fail(error instanceof Error ? error : new Error(String(error)));
    },
  );
}

/** Announces another address when ours changes; the subnet stays. */
async function followMoves(
  { parts, options, end, life, fail }: NetworkRun,
  { presence, own }: Begun,
  peers: NetworkPeers,
  hold: LeaseHold,
): Promise<void> {
  await peers.followAddress((setup: Setup, before: Setup) => {
    hold.update(setup.backend.attributes(hold.record));
    presence.update(life.at(publicIpOf(setup)).presence);
    if (setup.backend.mtu === before.backend.mtu) return;
    writeEnv(parts, options, envContents(options, setup, own), end).catch((error: unknown) => {
      if (!end.aborted) fail(error instanceof Error ? error : new Error(String(error)));
    });
  });
}

function ready({ parts, options }: NetworkRun, { setup }: NetworkPeers, own: LeaseRecord): void {
  parts.health.clear('starting');
  parts.places.settle(options.name);
  const { mtu } = setup.backend;
  parts.logger.info('network is ready', { subnet: own.key, publicIp: publicIpOf(setup), mtu });
  options.onReady();
}
