// When a loss of leases is too sudden to be believed at once: a wiped or restored store, a prefix deleted or renamed.
// The rules only, as a pure function; what is done about it is hold-down.ts.

/** What one listing or one batch of events would take away. */
export interface Loss {
  /** Whether our own lease is gone. */
  readonly own: boolean;
  /** How many other leases are gone. */
  readonly peers: number;
  /** How many other leases there were. */
  readonly peersBefore: number;
  /** The revision that deleted the most leases, ours included; a listing does not tell. */
  readonly together?: { readonly count: number; readonly revision: bigint };
  /** Why the store is not the one we knew. */
  readonly otherStore?: string | undefined;
  /** A watch that was resumed without a gap should have told of it, and has not. */
  readonly untold?: boolean;
}

/** Why the loss is not to be believed before it is confirmed, in words for the log; undefined when it is. */
export function suspicionOf({
  own,
  peers,
  peersBefore,
  together,
  otherStore,
  untold,
}: Loss): string | undefined {
  if (peers === 0) return undefined;
  if (otherStore !== undefined) return otherStore;
  if (own) return `our own lease went missing together with ${peers} of ${peersBefore} peers`;
  if (together !== undefined && together.count > 1)
    return `${together.count} leases were deleted at once, in revision ${together.revision}`;
  if (peers > 1 && peers * 2 > peersBefore) return `${peers} of ${peersBefore} peers went missing at once`;
  if (untold === true) return 'the watch has told nothing of it, so the store may have another history';
  return undefined;
}
