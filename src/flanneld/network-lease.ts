// Our lease in a network's run: held, answered for in the health, given back at a stop where that is asked for, and what
// becomes of the run when it is lost.

import type { LeaseHold } from '../subnet/lease-hold.js';
import type { LeaseManager } from '../subnet/lease-manager.js';
import { marginOf } from '../subnet/lease-time.js';
import type { LeaseLoss } from '../subnet/lease-verdict.js';
import { abortable } from '../subnet/retry.js';
import { FatalError, NetworkRestart } from './errors.js';
import type { Begun } from './network-begin.js';
import type { NetworkOptions } from './network-options.js';
import type { NetworkRun } from './network-run.js';

/** A stop does not wait longer for a store that does not answer. */
const RELEASE_MS = 2_000;

/** Keeps the lease until the run's end. `onRecord` is called when there is another record, or more time. */
export function keepLease(
  run: NetworkRun,
  leases: LeaseManager,
  { own, attributes, remembered }: Begun,
  onRecord: () => void,
): LeaseHold {
  const { parts, options, stops, fail } = run;
  const hold = leases.hold(own, {
    nodeId: parts.node.nodeId,
    ...(remembered === undefined ? {} : { validUntil: remembered.validUntil }),
    onRecord,
    onLost: (loss) => {
      fail(lostLease(options, loss));
    },
  });
  hold.update(attributes);
  stops.add('lease', () => endLease(run, hold));
  stops.add(
    'lease health',
    parts.health.followLease(() => hold.validUntil, marginOf(options.terms)),
  );
  return hold;
}

/** How a run ends that has lost its subnet: for good, or to begin anew with another one. */
export function lostLease(
  { onLeaseLost }: Pick<NetworkOptions, 'onLeaseLost'>,
  { reason }: LeaseLoss,
): Error {
  const message = `lost the lease: ${reason}`;
  if (onLeaseLost === 'reacquire') return new NetworkRestart(message);
  const remedy =
    'start flanneld again to get another subnet, or let it do so itself with -on-lease-lost=reacquire';
  return new FatalError('lease-lost', `${message}; ${remedy}`);
}

async function endLease({ parts, options, stopping }: NetworkRun, hold: LeaseHold): Promise<void> {
  if (!options.releaseOnExit || !stopping()) {
    hold.stop();
    return;
  }
  const late = new AbortController();
  const cancel = parts.clock.after(RELEASE_MS, () => {
    late.abort(new Error(`etcd did not take it within ${RELEASE_MS} ms; it expires by itself`));
  });
  try {
    await abortable(hold.release(), late.signal);
  } finally {
    cancel();
  }
}
