// The value of the keys that remember who had a lease (`<prefix>/used/…`, `<prefix>/revoked/…`): {"NodeID":"…"}, or null
// where the holder had no id. Text only.

import { JsonTextError, readMembers, valueOf } from './go-json.js';
import { isNodeId } from './identity.js';

const BOUNDS = { length: 4096, depth: 8 };

export function encodeOwner(nodeId: string | undefined): string {
  return JSON.stringify({ NodeID: nodeId ?? null });
}

/** The node such a value names; undefined when it names none. Never throws. */
export function decodeOwner(text: string): string | undefined {
  try {
    const member = readMembers(text, BOUNDS).findLast(({ name }) => name === 'nodeid');
    const value = member === undefined ? undefined : valueOf(member);
    return typeof value === 'string' && isNodeId(value) ? value : undefined;
  } catch (error) {
    if (error instanceof JsonTextError) return undefined;
    throw error;
  }
}
