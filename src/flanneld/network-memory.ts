// What the next life of this network is to know, kept up to date on disk: config, own lease and its end, and the peers.
// When it is written is state/snapshot-writer.ts; when it is used network-begin.ts.

import { expiryAt, momentOf, type Snapshot } from '../state/snapshot.js';
import { SnapshotWriter } from '../state/snapshot-writer.js';
import type { LeaseRecord } from '../subnet/lease.js';
import type { ConfigText } from '../subnet/registry.js';
import type { NetworkRun } from './network-run.js';
import type { NetworkParts } from './network-setup.js';

/** The lease we hold, as LeaseHold knows it. */
interface Held {
  readonly record: LeaseRecord;
  readonly validUntil: number;
}

interface Picture {
  readonly prefix: string;
  readonly config: () => ConfigText;
  /** Asked when it is about to be written. */
  readonly held: () => Held;
  readonly leases: () => ReadonlyMap<string, LeaseRecord> | undefined;
}

/** Returns what to call when something in the picture has changed. Without a state folder that does nothing. */
export function keepMemory({ parts, life: { state }, stops }: NetworkRun, picture: Picture): () => void {
  if (state === undefined) return () => undefined;
  const writer = new SnapshotWriter({
    ...parts,
    picture: () => snapshotOf(parts, picture),
    write: (snapshot) => state.writeSnapshot(snapshot),
  });
  stops.add('snapshot', () => writer.stop());
  return () => {
    writer.changed();
  };
}

function snapshotOf(
  { clock, node }: NetworkParts,
  { prefix, config, held, leases }: Picture,
): Snapshot | undefined {
  const all = leases();
  // An empty set would be believed by the next life; before the first listing nothing is known.
  if (all === undefined) return undefined;
  const now = momentOf(clock, node.bootId);
  const { record, validUntil } = held();
  const peers = [...all.values()].filter(({ key }) => key !== record.key);
  const revisions = [record, ...peers].map(({ modRevision }) => modRevision);
  return {
    prefix,
    savedAt: now.wallMs,
    config: config(),
    own: record,
    expiry: expiryAt(validUntil, now),
    peers,
    listRevision: revisions.reduce((newest, revision) => (revision > newest ? revision : newest), 0n),
  };
}
