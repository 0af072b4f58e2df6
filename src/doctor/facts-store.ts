// Collects what etcd says: each endpoint asked by itself, reads with a majority behind them, configs and leases.
// How it is asked is injected (commands/open-doctor.ts); nothing is written.

import type { Clock } from '../clock.js';
import type { ConfigSeen, MemberSeen, SeenLease, StoredNetwork, StoreFacts } from './facts.js';

/** Methods reject with an error whose message is for people. */
export interface StoreAccess {
  readonly endpoints: readonly string[];
  readonly tls: boolean;
  /** The member at this endpoint and no other. */
  readonly status: (endpoint: string) => Promise<{ readonly version: string; readonly hasLeader: boolean }>;
  /** The HTTP Date header of the member, in milliseconds since the epoch; undefined without one. */
  readonly date: (endpoint: string) => Promise<number | undefined>;
  /** One small linearizable read. */
  readonly read: () => Promise<void>;
  /** `text` is undefined for a network without a config. */
  readonly networks: () => Promise<
    readonly { readonly name: string; readonly prefix: string; readonly text: string | undefined }[]
  >;
  readonly leases: (prefix: string) => Promise<readonly SeenLease[]>;
  readonly readConfig: (text: string) => ConfigSeen;
}

/** Enough for a median that one slow answer does not move. */
const ROUNDS = 5;

export async function readStore(access: StoreAccess, clock: Clock): Promise<StoreFacts> {
  const [members, read] = await Promise.all([
    Promise.all(access.endpoints.map((endpoint) => readMember(access, clock, endpoint))),
    readLatency(access, clock),
  ]);
  const networks = 'error' in read ? [] : await readNetworks(access);
  return { members, read, networks, tls: access.tls };
}

async function readMember(access: StoreAccess, clock: Clock, endpoint: string): Promise<MemberSeen> {
  const times: number[] = [];
  try {
    let status = await access.status(endpoint);
    for (let round = 1; round < ROUNDS; round++) {
      const begun = clock.monotonic();
      status = await access.status(endpoint);
      times.push(clock.monotonic() - begun);
    }
    const ahead = await clockAhead(access, clock, endpoint);
    return { endpoint, ...status, times, ...(ahead === undefined ? {} : { clockAheadMs: ahead }) };
  } catch (error) {
    return { endpoint, times, error: messageOf(error) };
  }
}

/** The header names the second in which the answer was written: half of one is added, and half of the way taken off. */
async function clockAhead(access: StoreAccess, clock: Clock, endpoint: string): Promise<number | undefined> {
  try {
    const before = clock.now();
    const date = await access.date(endpoint);
    return date === undefined ? undefined : Math.round(date + 500 - (before + clock.now()) / 2);
  } catch {
    // A proxy that speaks gRPC alone: then the check says that no member told its time.
    return undefined;
  }
}

async function readLatency(access: StoreAccess, clock: Clock): Promise<StoreFacts['read']> {
  try {
    // The first makes the connection.
    await access.read();
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const begun = clock.monotonic();
      await access.read();
      times.push(clock.monotonic() - begun);
    }
    return { times };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

async function readNetworks(access: StoreAccess): Promise<readonly StoredNetwork[]> {
  const found = await access.networks();
  return Promise.all(
    found.map(async ({ name, prefix, text }) => {
      const config: ConfigSeen =
        text === undefined ? { usable: false, reason: 'there is none' } : access.readConfig(text);
      return { name, prefix, config, leases: config.usable ? await access.leases(prefix) : [] };
    }),
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
