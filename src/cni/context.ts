// One call of the plugin, and what every command does with it first: the env file with the daemon's reason when there is
// none, the delegate's config made from both, and the network namespace.

import type { JsonRecord } from '../checked-json.js';
import type { NetConf } from './conf.js';
import { lookAtDaemon, whyNoFile } from './daemon-word.js';
import { delegateConf } from './delegate-conf.js';
import { asCniError, CniError, CNI_ERROR_NUMBERS } from './errors.js';
import { identityOf } from './files.js';
import { shown, type Invocation } from './invocation.js';
import type { PluginParts } from './parts.js';
import { readSubnetEnv, type SubnetEnv } from './subnet-env.js';

export interface Call {
  readonly parts: PluginParts;
  readonly invocation: Invocation;
  readonly conf: NetConf;
}

/** The env file. Throws CniError with upstream's words, which people search for, and the daemon's reason as details. */
export function envOf({ parts, conf }: Call): SubnetEnv {
  try {
    return readSubnetEnv(conf.subnetFile);
  } catch (error) {
    const { code, message } = asCniError(error);
    const text = `failed to load flannel 'subnet.env' file: ${message}. Check the flannel pod log for this node.`;
    const isMissing = code === CNI_ERROR_NUMBERS['try-again'];
    const details = isMissing ? whyNoFile(conf, lookAtDaemon(conf, parts.subnetDir)) : '';
    throw new CniError(code, text, details, { cause: error });
  }
}

/** The delegate's config by what is so now. Throws as envOf(), and CniError `config`. */
export function freshConf(call: Call): JsonRecord {
  return delegateConf(call.conf, envOf(call));
}

/** Which file the namespace of an ADD is. Throws CniError `environment` when it is none, or our own. */
export function netnsIdOf({ netns, sharesNetns }: Invocation): string {
  const id = identityOf(netns);
  if (id === undefined) throw new CniError('environment', `CNI_NETNS leads nowhere: ${shown(netns)}`);
  if (!sharesNetns && id === identityOf('/proc/self/ns/net')) {
    throw new CniError(
      'environment',
      "plugin's netns and netns from CNI_NETNS should not be the same",
      `CNI_NETNS is ${shown(netns)}`,
    );
  }
  return id;
}
