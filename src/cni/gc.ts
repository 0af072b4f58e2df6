// GC: attachments of this network that the runtime does not count among the valid ones are released like by DEL, then the
// delegate collects what it has. An error does not end the work; all are told at the end.

import { isRecord } from '../checked-json.js';
import { freshConf, type Call } from './context.js';
import { findDelegate, runDelegate } from './delegate.js';
import { delegateType, sortedJson } from './delegate-conf.js';
import { versionsOf } from './delegate-version.js';
import { asCniError, CniError } from './errors.js';
import { recordFileName, type StoredRecord } from './record.js';
import { release } from './release.js';
import { StateFolder } from './state.js';
import { addsUnderWay } from './under-way.js';

/** Throws CniError when something could not be collected. */
export function gc(call: Call): void {
  const { conf, parts } = call;
  const valid = validAttachments(conf.validAttachments);
  const state = new StateFolder(conf.dataDir);
  const errors: CniError[] = [];
  const attempt = (what: string, action: () => void): void => {
    try {
      action();
    } catch (error) {
      errors.push(asCniError(error).within(`${what}: `));
    }
  };
  for (const found of state.all()) {
    const key = recordFileName(found.containerId, found.ifname);
    if (found.kind === 'unreadable') parts.tell(`${found.path} is damaged, and left for a DEL`);
    if (found.kind !== 'record' || found.record.name !== conf.name || valid.has(key)) continue;
    const { record } = found;
    attempt(key.replace(/\.json$/, ''), () => {
      if (!isUnderWay(record)) release(call, state, record, record.netns);
    });
  }
  attempt('delegate', () => {
    delegateGc(call);
  });
  const [first] = errors;
  if (first === undefined) return;
  throw new CniError(
    first.code,
    errors
      .map(({ message }) => message)
      .join('; ')
      .slice(0, 10_000),
    first.details,
  );
}

/** An attachment that is just being made is valid, whether or not the runtime has heard of it yet. */
function isUnderWay({ complete, containerId, ifname }: StoredRecord): boolean {
  return !complete && addsUnderWay(containerId, ifname).length > 0;
}

function delegateGc(call: Call): void {
  const { parts, invocation, conf } = call;
  const program = findDelegate(delegateType(conf), invocation.path);
  if (!versionsOf(parts, program).includes(conf.cniVersion)) return;
  const text = sortedJson({ ...freshConf(call), 'cni.dev/valid-attachments': conf.validAttachments });
  runDelegate(parts, { command: 'GC', program, conf: text });
}

/** Their record files. Throws CniError `config` when there is no list: then nothing must be collected. */
function validAttachments(value: unknown): ReadonlySet<string> {
  const wrong = (reason: string): CniError => new CniError('config', `cni.dev/valid-attachments ${reason}`);
  if (value === undefined) throw wrong('is missing');
  // Go writes an empty list so.
  if (value === null) return new Set();
  if (!Array.isArray(value)) throw wrong('is not a list');
  const names = value.map((member: unknown) => {
    const { containerID, ifname } = isRecord(member) ? member : {};
    if (typeof containerID !== 'string' || typeof ifname !== 'string')
      throw wrong('has a member without containerID or ifname');
    return recordFileName(containerID, ifname);
  });
  return new Set(names);
}
