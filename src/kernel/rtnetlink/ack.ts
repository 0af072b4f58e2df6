// Reads the kernel's answers about requests: NLMSG_ERROR (also the acknowledgement) and NLMSG_DONE.

import { align4, NLMSG_HDRLEN } from './align.js';
import { EXTENDED_ACK } from './attributes.js';
import { NLM_F, NLMSG } from './constants.js';
import type { MessageCursor } from './reader.js';

/** A refused request: errno > 0 and the kernel's own words, where it gave any. */
export interface Refusal {
  readonly errno: number;
  readonly extack?: string;
}

/** A message that says nothing legible about its request; EBADMSG. */
const ILLEGIBLE: Refusal = { errno: 74, extack: 'the answer could not be read' };

/**
 * Undefined for success. Both messages begin with the error as a negative errno.
 * linux/netlink.h: struct nlmsgerr { int error; struct nlmsghdr msg; (the request, then attributes) };
 * after NLMSG_DONE's error come the attributes directly.
 */
export function readRefusal(message: MessageCursor): Refusal | undefined {
  const { chunk, start, end } = message;
  if (end - start < 4) return message.type === NLMSG.DONE ? undefined : ILLEGIBLE;
  const errno = -chunk.i32(start);
  if (errno <= 0) return undefined;
  const text = readText(message);
  return text === undefined ? { errno } : { errno, extack: text };
}

function readText(message: MessageCursor): string | undefined {
  const { chunk, start, end } = message;
  if ((message.flags & NLM_F.ACK_TLVS) === 0) return undefined;
  let attributes = start + 4;
  if (message.type === NLMSG.ERROR) {
    // Without NLM_F_CAPPED the whole request stands between the header and the attributes.
    const request = (message.flags & NLM_F.CAPPED) !== 0 ? NLMSG_HDRLEN : chunk.u32(start + 4);
    attributes += align4(Math.min(request, chunk.length));
  }
  return attributes < end ? EXTENDED_ACK.read(chunk, attributes, end)?.message : undefined;
}
