// Taking an attachment away: the delegate's DEL with the config it was given at ADD, and only when that has succeeded, what we
// keep of it. Whoever is interrupted here begins again from the same record.

import type { Call } from './context.js';
import { findDelegate, runDelegate } from './delegate.js';
import { CniError } from './errors.js';
import { identityOf } from './files.js';
import { typeOf, type AttachmentRecord } from './record.js';
import type { StateFolder } from './state.js';
import { removeUse } from './uses.js';

export interface Attachment {
  readonly containerId: string;
  readonly ifname: string;
}

/** Delegate first, then uses, then the record. Throws CniError; then the record is still there. */
export function release(call: Call, state: StateFolder, record: AttachmentRecord, netns: string): void {
  delegateDel(call, record, record.conf, namespaceFor(call, netns, record.netnsId));
  removeUse(call.parts.usesRoot, record);
  state.remove(record);
}

/** The delegate's DEL, and its errors. */
export function delegateDel(
  { parts, invocation }: Call,
  { containerId, ifname }: Attachment,
  conf: string,
  netns: string,
): void {
  const type = typeOf(conf);
  if (type === undefined) throw new CniError('decoding', 'the stored config of the delegate names no plugin');
  runDelegate(parts, {
    command: 'DEL',
    program: findDelegate(type, invocation.path),
    conf,
    env: { CNI_CONTAINERID: containerId, CNI_IFNAME: ifname, CNI_NETNS: netns },
  });
}

/**
 * The namespace to clean, or none: one that has vanished is no error, and a path that leads to another one by now, as
 * /proc/<pid>/ns/net may, belongs to another container.
 */
export function namespaceFor({ parts }: Call, netns: string, netnsId: string): string {
  if (netns === '') return '';
  const id = identityOf(netns);
  if (id === undefined) return '';
  if (netnsId === '' || id === netnsId) return netns;
  parts.tell(`${netns} is another network namespace by now and left alone`);
  return '';
}
