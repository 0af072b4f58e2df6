// ADD: the record first, then the delegate. An ADD that is interrupted anywhere leaves a record with which DEL undoes it; one
// that fails undoes itself, as the specification wants it.

import { readFileSync } from 'node:fs';
import { parseRecord } from '../checked-json.js';
import { canonicalSubnetFile } from '../network-uses.js';
import { freshConf, netnsIdOf, type Call } from './context.js';
import { findDelegate, runDelegate } from './delegate.js';
import { delegateType, sortedJson } from './delegate-conf.js';
import { asCniError, CniError } from './errors.js';
import { identityOf } from './files.js';
import type { AttachmentRecord, StoredRecord } from './record.js';
import { release } from './release.js';
import { StateFolder, type NewRecord } from './state.js';
import { addsUnderWay, awaitQuiet } from './under-way.js';
import { addUse } from './uses.js';

/** Returns what the delegate printed. Throws CniError; then nothing is left behind, or a record for DEL. */
export function add(call: Call): string {
  const { parts, invocation, conf } = call;
  const text = sortedJson(freshConf(call));
  const program = within(() => findDelegate(delegateType(conf), invocation.path));
  const state = new StateFolder(conf.dataDir);
  const record = recordOf(call, text);
  const made = begin(call, state, record);
  try {
    addUse(parts.usesRoot, record, conf.dataDir);
    const result = within(() => runDelegate(parts, { command: 'ADD', program, conf: text }));
    if (parseRecord(result) === undefined)
      throw new CniError('decoding', `failed to delegate add: ${program} printed no result`);
    made.complete();
    return result;
  } catch (error) {
    undo(call, state, record);
    throw error;
  }
}

function recordOf({ invocation, conf }: Call, text: string): AttachmentRecord {
  const { containerId, ifname, netns } = invocation;
  return {
    containerId,
    ifname,
    netns,
    netnsId: netnsIdOf(invocation),
    bootId: bootId(),
    subnetFile: canonicalSubnetFile(conf.subnetFile),
    network: conf.network ?? '',
    name: conf.name,
    conf: text,
  };
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

function within<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw asCniError(error).within('failed to delegate add: ');
  }
}

/** Makes the record, after what an earlier life of the container may have left. */
function begin(call: Call, state: StateFolder, record: AttachmentRecord): NewRecord {
  const made = state.create(record);
  if (made !== undefined) return made;
  clearLeftover(call, state, record);
  const again = state.create(record);
  if (again === undefined) throw busy(record);
  return again;
}

function clearLeftover(call: Call, state: StateFolder, record: AttachmentRecord): void {
  const { containerId, ifname } = record;
  const found = state.find(containerId, ifname);
  if (found.kind === 'absent') return;
  const there = `container ${containerId} already has ${ifname}`;
  if (found.kind === 'unreadable')
    throw new CniError(
      'attached',
      `${there}, or had it: ${found.path} cannot be read`,
      'it needs a DEL first',
    );
  if (!isLeftover(found.record, record) && !isInterrupted(state, found.record)) {
    const text = `${there} (network ${found.record.name}, state ${found.path})`;
    throw new CniError('attached', text, 'it needs a DEL first');
  }
  release(call, state, found.record, found.record.netns);
}

/** Whether the container that was attached cannot be there any more. */
function isLeftover(former: StoredRecord, now: AttachmentRecord): boolean {
  if (former.bootId !== now.bootId) return true;
  return former.complete && identityOf(former.netns) !== former.netnsId;
}

/** Whether the ADD that has begun this will not go on. Throws CniError `try-again` while it does. */
function isInterrupted(state: StateFolder, former: StoredRecord): boolean {
  if (former.complete) return false;
  if (addsUnderWay(former.containerId, former.ifname).length > 0) throw busy(former);
  // It may have come to its end between the reading and the looking; now that nobody is at work, the file is final.
  const found = state.find(former.containerId, former.ifname);
  if (found.kind !== 'record') throw busy(former);
  return !found.record.complete;
}

function busy({ containerId, ifname }: AttachmentRecord): CniError {
  return new CniError('try-again', `another ADD of ${ifname} of container ${containerId} is under way`);
}

/** What cannot be undone now stays recorded, for the DEL that a runtime sends after an ADD that failed. */
function undo(call: Call, state: StateFolder, record: AttachmentRecord): void {
  try {
    awaitQuiet(call.parts, record.containerId, record.ifname);
    release(call, state, record, record.netns);
  } catch (error) {
    call.parts.tell(`the failed ADD could not be undone, which is left to DEL: ${asCniError(error).message}`);
  }
}
