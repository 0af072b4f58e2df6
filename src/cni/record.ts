// What is kept of an attachment until it is gone: with it DEL works without the env file and whatever the config says by
// then. Its form, and how upstream's form of the same is told from it. Pure; the files are state.ts.

import { isLine, parseRecord } from '../checked-json.js';
import { isContainerId, isInterfaceName } from '../network-uses.js';

/** A delegate's config is at most as long as ours, and a little. */
export const MAX_RECORD_BYTES = 4 * 1024 * 1024;

export interface AttachmentRecord {
  readonly containerId: string;
  readonly ifname: string;
  /** Path of the network namespace, and which file that was: paths such as /proc/<pid>/ns/net are used again. */
  readonly netns: string;
  readonly netnsId: string;
  /** The boot it was made in; containers do not outlive it. */
  readonly bootId: string;
  /** As canonicalSubnetFile() gives it. */
  readonly subnetFile: string;
  /** The daemon's name of the network, or empty. */
  readonly network: string;
  /** The config's name of the network: GC is by it. */
  readonly name: string;
  /** The delegate's config, to the letter; in upstream's state the whole file. */
  readonly conf: string;
}

/** A record as it was found. Until the delegate has answered it is not complete. */
export interface StoredRecord extends AttachmentRecord {
  readonly complete: boolean;
}

/** Where `complete` stands in the file, so that it is set by writing over it in place. Both are of one length. */
export const COMPLETE_OFFSET = '{"version":1,"complete":'.length;
export const COMPLETE = 'true ';
const INCOMPLETE = 'false';

/** The file's text, not complete yet. */
export function renderRecord(record: AttachmentRecord): string {
  const { containerId, ifname, netns, netnsId, bootId, subnetFile, network, name, conf } = record;
  const rest = { containerId, ifname, netns, netnsId, bootId, subnetFile, network, name, conf };
  return `{"version":1,"complete":${INCOMPLETE},${JSON.stringify(rest).slice(1)}\n`;
}

/** Reads a record; undefined for anything else, and for one of another attachment. */
export function parseRecordText(text: string, containerId: string, ifname: string): StoredRecord | undefined {
  const value = parseRecord(text);
  if (value?.['version'] !== 1 || typeof value['complete'] !== 'boolean') return undefined;
  if (value['containerId'] !== containerId || value['ifname'] !== ifname) return undefined;
  const { netns, netnsId, bootId, subnetFile, network, name, conf, complete } = value;
  if (!isLine(netns, 4_096) || !isLine(netnsId, 100) || !isLine(bootId, 100)) return undefined;
  if (!isLine(subnetFile, 4_096) || !isLine(network, 100) || !isLine(name, 200)) return undefined;
  if (typeof conf !== 'string' || typeOf(conf) === undefined) return undefined;
  return { containerId, ifname, netns, netnsId, bootId, subnetFile, network, name, conf, complete };
}

/** The plugin that a delegate's config is for; undefined when the text is no config. */
export function typeOf(conf: string): string | undefined {
  const type = parseRecord(conf)?.['type'];
  return typeof type === 'string' && type !== '' ? type : undefined;
}

/** The name of a record's file. The colon keeps it apart from upstream's, whose name is the container's id alone. */
export function recordFileName(containerId: string, ifname: string): string {
  return `${containerId}:${ifname}.json`;
}

/** Whose record a file is, by its name; undefined when it is none. */
export function attachmentOf(fileName: string): { containerId: string; ifname: string } | undefined {
  const [, containerId = '', ifname = ''] = /^([^:]+):([^:]+)\.json$/.exec(fileName) ?? [];
  return isContainerId(containerId) && isInterfaceName(ifname) ? { containerId, ifname } : undefined;
}
