// One call of the plugin: variables and stdin in, exit code and stdout out. Which command does what is in its own file.

import { add } from './add.js';
import { check } from './check.js';
import { parseConf } from './conf.js';
import type { Call } from './context.js';
import { del } from './del.js';
import { asCniError } from './errors.js';
import { gc } from './gc.js';
import { readInvocation, type Command } from './invocation.js';
import type { PluginParts } from './parts.js';
import { status } from './status.js';
import { checkVersion, NEWEST_VERSION, SUPPORTED_VERSIONS, versionResult } from './versions.js';

export interface Outcome {
  readonly code: 0 | 1;
  readonly stdout: string;
}

/** Never throws: what goes wrong is in the outcome, in the specification's form. */
export function runPlugin(parts: PluginParts): Outcome {
  if ((parts.env['CNI_COMMAND'] ?? '') === '') {
    const about = `CNI Plugin flannel version ${parts.version} (${process.platform}/${process.arch}) of flanneld`;
    const versions = `CNI protocol versions supported: ${SUPPORTED_VERSIONS.join(', ')}`;
    parts.passOn(Buffer.from(`${about}\n${versions}\n`));
    return { code: 0, stdout: '' };
  }
  let cniVersion = '';
  try {
    const invocation = readInvocation(parts.env);
    if (invocation.command === 'VERSION') return { code: 0, stdout: versionResult() };
    const conf = parseConf(parts.readConfig());
    checkVersion(conf.cniVersion, invocation.command);
    cniVersion = conf.cniVersion;
    return { code: 0, stdout: COMMANDS[invocation.command]({ parts, invocation, conf }) ?? '' };
  } catch (error) {
    const { code, message, details } = asCniError(error);
    const version = cniVersion === '' ? NEWEST_VERSION : cniVersion;
    const text = { cniVersion: version, code, msg: message, ...(details === '' ? {} : { details }) };
    return { code: 1, stdout: `${JSON.stringify(text)}\n` };
  }
}

const COMMANDS: Readonly<Record<Exclude<Command, 'VERSION'>, (call: Call) => string | undefined>> = {
  ADD: add,
  DEL: silent(del),
  CHECK: silent(check),
  GC: silent(gc),
  STATUS: silent(status),
};

function silent(command: (call: Call) => void): (call: Call) => undefined {
  return (call) => {
    command(call);
  };
}
