// STATUS: whether an ADD could succeed now. The env file, the daemon's word, the delegate.

import { envOf, freshConf, type Call } from './context.js';
import { lookAtDaemon, obstacleOf } from './daemon-word.js';
import { findDelegate, runDelegate } from './delegate.js';
import { delegateType, sortedJson } from './delegate-conf.js';
import { versionsOf } from './delegate-version.js';
import { asCniError, CniError } from './errors.js';

/** Throws CniError `not-available` or `limited`, or the delegate's error. */
export function status(call: Call): void {
  const { parts, invocation, conf } = call;
  const obstacle = obstacleOf(conf, lookAtDaemon(conf, parts.subnetDir));
  const file = attempt(() => envOf(call));
  // The daemon's word says more than a missing file; without one, the file is all there is.
  if (file !== undefined)
    throw new CniError(obstacle?.code ?? 'not-available', file.message, file.details, { cause: file });
  if (obstacle !== undefined) throw obstacle;
  const program = findDelegate(delegateType(conf), invocation.path);
  if (!versionsOf(parts, program).includes(conf.cniVersion)) {
    const text = `${program} does not support CNI ${conf.cniVersion}, so that an ADD would fail`;
    throw new CniError('not-available', text, 'install newer plugins, or write an earlier cniVersion');
  }
  runDelegate(parts, { command: 'STATUS', program, conf: sortedJson(freshConf(call)) });
}

function attempt(action: () => unknown): CniError | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return asCniError(error);
  }
}
