// The record of an attachment that uses a network: written by the CNI plugin before it gives an address, removed when the
// attachment is gone, read by the daemon, which must not take a network away from under a pod. Path, form, parser.

import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isLine, parseRecord } from './checked-json.js';

/** Below it a folder an env file. On a file system that a boot empties, like the attachments themselves. */
export const USES_ROOT = '/run/flannel/cni';
/** A reader need look at no more than this of a file. */
export const MAX_USE_BYTES = 64 * 1024;

const LONGEST_PATH = 4_096;
const SUFFIX = '.json';
/** The specification's form of a container id; bounded, because it becomes part of a file name. */
const CONTAINER_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$/;
/** The kernel's bound, and the specification's; printable ASCII, which is what anybody uses. */
const INTERFACE = /^[!-.0-9;-~]{1,15}$/;

export interface NetworkUse {
  readonly containerId: string;
  readonly ifname: string;
  /** Path of the network namespace; empty where the runtime named none. */
  readonly netns: string;
  /** The env file the addresses came from, as canonicalSubnetFile() gives it. */
  readonly subnetFile: string;
  /** Where the plugin keeps what it needs to take the attachment away. */
  readonly dataDir: string;
  /** The daemon's name of the network, where the CNI config names it; else empty. */
  readonly network: string;
  /** The CNI config's name of the network. */
  readonly name: string;
}

/** Whether a runtime may name a container so. */
export function isContainerId(text: string): boolean {
  return CONTAINER_ID.test(text);
}

/** Whether the kernel, and the specification, let an interface be called so. */
export function isInterfaceName(text: string): boolean {
  return INTERFACE.test(text) && text !== '.' && text !== '..';
}

/** The one path that stands for an env file, whichever links lead to it; also for a file that is not there yet. */
export function canonicalSubnetFile(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch {
    // Not there: then its folder counts, and where that is missing too, the path as it was given.
  }
  try {
    return join(realpathSync(dirname(absolute)), basename(absolute));
  } catch {
    return absolute;
  }
}

/** The folder with the uses of one env file, given as canonicalSubnetFile() has it. */
export function usesFolder(subnetFile: string, root: string = USES_ROOT): string {
  return join(root, createHash('sha256').update(subnetFile).digest('hex').slice(0, 16));
}

/** The file of one use in its folder. Throws RangeError for an id or a name that must not be part of a path. */
export function useFileName(containerId: string, ifname: string): string {
  if (!isContainerId(containerId) || !isInterfaceName(ifname)) {
    throw new RangeError(`not an attachment: ${JSON.stringify([containerId, ifname])}`);
  }
  return `${containerId}:${ifname}${SUFFIX}`;
}

/** Whether a file of that folder is a use, and not one that is just being written. */
export function isUseFileName(name: string): boolean {
  const [, containerId = '', ifname = ''] = /^([^:]+):([^:]+)\.json$/.exec(name) ?? [];
  return isContainerId(containerId) && isInterfaceName(ifname);
}

/** The file's text. */
export function renderNetworkUse(use: NetworkUse): string {
  const { containerId, ifname, netns, subnetFile, dataDir, network, name } = use;
  const fields = { version: 1, containerId, ifname, netns, subnetFile, dataDir, network, name };
  return `${JSON.stringify(fields)}\n`;
}

/** Reads a use; undefined for anything else, whatever it is. Fields that a later plugin adds are passed over. */
export function parseNetworkUse(text: string): NetworkUse | undefined {
  const value = text.length > MAX_USE_BYTES ? undefined : parseRecord(text);
  if (value?.['version'] !== 1) return undefined;
  const { containerId, ifname, netns, subnetFile, dataDir, network, name } = value;
  if (typeof containerId !== 'string' || !isContainerId(containerId)) return undefined;
  if (typeof ifname !== 'string' || !isInterfaceName(ifname)) return undefined;
  if (!isLine(netns, LONGEST_PATH) || !isLine(subnetFile, LONGEST_PATH) || !isLine(dataDir, LONGEST_PATH))
    return undefined;
  if (!isLine(network, LONGEST_PATH) || !isLine(name, LONGEST_PATH)) return undefined;
  return { containerId, ifname, netns, subnetFile, dataDir, network, name };
}
