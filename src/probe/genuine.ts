// What is believed of what comes in: an answer that carries what we sent, from where we sent it to, and a request of a known
// peer from its known address. Pure.

import type { Ip } from '../subnet/cidr.js';
import type { EchoReceived } from './echo.js';
import type { Flight } from './flights.js';
import { readPayload, sameBytes, type Path, type Payload } from './payload.js';
import type { ProbeTarget } from './target.js';

/** Where a probe goes to, and where it comes from. */
export function addressesOf(target: ProbeTarget, path: Path): readonly [Ip, Ip] {
  return path === 'overlay' ? [target.peerBase, target.ownBase] : [target.publicIp, target.source];
}

/** Whether the peer may have sent this request: whoever can forge its addresses can forge this, and nothing more. */
export function isRequestFrom(
  target: ProbeTarget,
  { source, destination }: EchoReceived,
  { path, node }: Payload,
): boolean {
  const [from] = addressesOf(target, path);
  if (source !== from || (path === 'overlay' && destination !== target.ownBase)) return false;
  return target.node === undefined || sameBytes(target.node, node);
}

/** Whether this is the reply to that probe, or an error about it. */
export function isAnswerTo({ destination, token }: Flight, packet: EchoReceived): boolean {
  const { kind, payload } = packet;
  if ((kind === 'reply' ? packet.source : packet.destination) !== destination) return false;
  const carried = readPayload(payload);
  // An error may quote no more than the ICMP header: then identifier and sequence, which it names, must do.
  return carried === undefined ? kind !== 'reply' : sameBytes(carried.token, token);
}
