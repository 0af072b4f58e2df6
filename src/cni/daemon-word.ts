// What the daemon says of a network in its status files: why there is no env file, and whether addresses can be given. It is
// read only where somebody asks; an upstream daemon says nothing, and then nothing is concluded from that.

import { dirname, join } from 'node:path';
import { canonicalSubnetFile } from '../network-uses.js';
import {
  MAX_STATUS_BYTES,
  networkOfStatusFile,
  parseNetworkStatus,
  type NetworkStatus,
} from '../network-status.js';
import { livenessOf, type Liveness } from '../process-identity.js';
import type { NetConf } from './conf.js';
import { CniError } from './errors.js';
import { namesIn, readBounded } from './files.js';

/** More than that many networks a message does not name. */
const MOST_NAMED = 20;
const MOST_FILES = 1_000;

interface Word extends NetworkStatus {
  readonly liveness: Liveness;
}

/** The status files of this host. */
export interface DaemonView {
  /** The network that the config means. */
  readonly own: Word | undefined;
  readonly others: readonly Word[];
}

/** Reads the status files. What cannot be read is passed over: it is all for the sake of a message. */
export function lookAtDaemon(conf: NetConf, subnetDir: string): DaemonView {
  const folders = new Set([subnetDir, dirname(conf.subnetFile)]);
  const words = [...folders].flatMap(wordsIn);
  const file = canonicalSubnetFile(conf.subnetFile);
  const own = words.find(({ network, subnetFiles }) =>
    conf.network === undefined
      ? subnetFiles.some((path) => canonicalSubnetFile(path) === file)
      : network === conf.network,
  );
  return { own, others: words.filter((word) => word !== own) };
}

function wordsIn(folder: string): readonly Word[] {
  return attempt(() => namesIn(folder), [])
    .filter((name) => networkOfStatusFile(name) !== undefined)
    .slice(0, MOST_FILES)
    .flatMap((name) => {
      const text = attempt(() => readBounded(join(folder, name), MAX_STATUS_BYTES), undefined);
      const status = text === undefined ? undefined : parseNetworkStatus(text);
      return status?.network === networkOfStatusFile(name) && status !== undefined
        ? [{ ...status, liveness: livenessOf(status) }]
        : [];
    });
}

function attempt<T>(action: () => T, otherwise: T): T {
  try {
    return action();
  } catch {
    return otherwise;
  }
}

/** Why there is no env file, as a sentence for people. */
export function whyNoFile(conf: NetConf, { own, others }: DaemonView): string {
  if (own !== undefined) return `flanneld: ${wordOf(own)}`;
  const named = others
    .slice(0, MOST_NAMED)
    .map(({ network, subnetFiles }) =>
      conf.network === undefined ? `${network} (${subnetFiles.join(', ')})` : network,
    );
  const more = others.length > MOST_NAMED ? ` and ${others.length - MOST_NAMED} more` : '';
  const there = `${named.join(', ')}${more}`;
  if (others.length === 0)
    return 'flanneld: not running on this host, or an earlier release: it has left no word';
  if (others.every(({ liveness, state }) => liveness === 'gone' || state === 'stopped'))
    return `flanneld: not running on this host any more; it had the networks ${there}`;
  if (conf.network !== undefined)
    return `flanneld: there is no network "${conf.network}" on this host; there are ${there}`;
  return `flanneld: no network of this host has the env file ${conf.subnetFile}; there are ${there}`;
}

/** What stands in the way of an ADD by the daemon's word; undefined when nothing does. */
export function obstacleOf(conf: NetConf, view: DaemonView): CniError | undefined {
  const { own } = view;
  if (own === undefined) {
    // An env file without a word about it is an upstream daemon's; a name is always ours.
    return conf.network === undefined
      ? undefined
      : new CniError('not-available', `network ${conf.network} is not ready`, whyNoFile(conf, view));
  }
  const works = own.liveness !== 'gone' && (own.state === 'ready' || own.state === 'degraded');
  if (works) return undefined;
  const code = own.liveness !== 'gone' && own.state === 'leaving' ? 'not-available' : 'limited';
  return new CniError(code, `network ${own.network} is not ready`, `flanneld: ${wordOf(own)}`);
}

function wordOf({ network, prefix, state, since, reason, pid, liveness }: Word): string {
  const which = `network "${network}" (${prefix})`;
  const because = reason === '' ? '' : `: ${reason}`;
  if (state === 'stopped') return `${which}: the daemon was stopped at ${since}${because}`;
  if (liveness === 'gone')
    return `${which}: the daemon (pid ${pid}) is not running any more; its last word was ${state}, since ${since}${because}`;
  if (state === 'ready' || state === 'degraded')
    return `${which} is ${state} since ${since}${because}; its env file was removed by somebody else: restart flanneld`;
  return `${which} is ${state.replace('-', ' ')} since ${since}${because}`;
}
