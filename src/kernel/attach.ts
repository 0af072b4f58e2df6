// Hands the packet engine what it is to carry, once its device stands, and says what became of it.
// The engine is behind the Dataplane interface; making a device anew is settle-devices.ts.

import { DataplaneError, type Dataplane } from './dataplane.js';
import type { Link } from './kernel.js';
import { ownerOf, type Scope } from './ownership.js';
import type { Problem } from './problem.js';
import type { WantedKernel } from './wanted.js';

export interface AttachParts {
  readonly scope: Scope;
  readonly dataplane?: Dataplane;
}

export type Attachment =
  /** Nothing to attach to or to hand over, or nothing that changes the device. */
  | { readonly state: 'as-before' }
  /** Nobody was on the device: it has a carrier from now on. */
  | { readonly state: 'attached' }
  /** The device has to be made anew. */
  | { readonly state: 'device-mode'; readonly link: Link; readonly reason: string }
  | { readonly state: 'failed'; readonly problem: Problem };

/**
 * Makes the engine as wanted, where the device is there and the network's own: why it is not has been said by then.
 * Throws nothing but defects.
 */
export function attach(
  { scope, dataplane }: AttachParts,
  { dataplane: wanted }: WantedKernel,
  links: Iterable<Link>,
): Attachment {
  const link = wanted === undefined ? undefined : linkNamed(links, wanted.device);
  if (wanted === undefined || dataplane === undefined || link?.tun?.type !== 'tun')
    return { state: 'as-before' };
  if (ownerOf(link) !== scope.network) return { state: 'as-before' };
  const before = dataplane.isAttached(link);
  try {
    dataplane.apply(wanted, link);
    return { state: before ? 'as-before' : 'attached' };
  } catch (error) {
    if (!(error instanceof DataplaneError)) throw error;
    const { code, message } = error;
    if (code === 'device-mode') return { state: 'device-mode', link, reason: `${link.name}: ${message}` };
    return { state: 'failed', problem: problemOf(link, code === 'dataplane-denied', message) };
  }
}

/** The problem that a device is which does not fit although it was just made. */
export function stillUnfit(link: Link, reason: string): Problem {
  return problemOf(
    link,
    false,
    `${reason}; making it anew did not help, so set "Queues" in the network config`,
  );
}

function problemOf({ name }: Link, denied: boolean, message: string): Problem {
  const code = denied ? 'denied' : 'refused';
  return { code, kind: 'dataplane', object: `packet engine on ${name}`, message };
}

function linkNamed(links: Iterable<Link>, name: string): Link | undefined {
  for (const link of links) if (link.name === name) return link;
  return undefined;
}
