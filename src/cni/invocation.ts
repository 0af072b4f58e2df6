// The CNI_* variables → what the runtime asks for, and of which attachment. Pure: names are checked here, before any of
// them becomes part of a path.

import { isContainerId, isInterfaceName } from '../network-uses.js';
import { CniError } from './errors.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export type Command = 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS' | 'VERSION';

export interface Invocation {
  readonly command: Command;
  /** Empty for GC, STATUS and VERSION; so is ifname. */
  readonly containerId: string;
  readonly ifname: string;
  /** Path of the network namespace; empty where none was named. */
  readonly netns: string;
  /** CNI_PATH as it was given. */
  readonly path: string;
  /** The runtime says that the container may share our own network namespace. */
  readonly sharesNetns: boolean;
}

const REQUIRED: Readonly<Record<Command, readonly string[]>> = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME', 'CNI_PATH'],
  GC: ['CNI_PATH'],
  STATUS: ['CNI_PATH'],
  VERSION: [],
};

/** Throws CniError `environment`, which names what is missing or wrong. */
export function readInvocation(env: Environment): Invocation {
  const value = (name: string): string => env[name] ?? '';
  const command = value('CNI_COMMAND');
  if (!isCommand(command)) {
    throw command === ''
      ? new CniError('environment', 'required env variables [CNI_COMMAND] missing')
      : new CniError('environment', `unknown CNI_COMMAND: ${shown(command)}`);
  }
  const missing = REQUIRED[command].filter((name) => value(name) === '');
  if (missing.length > 0)
    throw new CniError('environment', `required env variables [${missing.join(',')}] missing`);
  const [containerId, ifname] = isOfAttachment(command)
    ? [value('CNI_CONTAINERID'), value('CNI_IFNAME')]
    : ['', ''];
  if (isOfAttachment(command)) checkNames(containerId, ifname);
  const netns = value('CNI_NETNS');
  if (netns.length > 4_096 || /[\0-\x1f\x7f]/.test(netns))
    throw new CniError('environment', 'CNI_NETNS is not a path');
  const sharesNetns = /^(1|true)$/i.test(value('CNI_NETNS_OVERRIDE'));
  return { command, containerId, ifname, netns, path: value('CNI_PATH'), sharesNetns };
}

function isCommand(text: string): text is Command {
  return Object.hasOwn(REQUIRED, text);
}

function isOfAttachment(command: Command): boolean {
  return command === 'ADD' || command === 'DEL' || command === 'CHECK';
}

function checkNames(containerId: string, ifname: string): void {
  if (!isContainerId(containerId)) {
    throw new CniError(
      'environment',
      'invalid characters in containerID',
      `CNI_CONTAINERID is ${shown(containerId)}; letters, digits and _.- are allowed, at most 200 of them`,
    );
  }
  if (!isInterfaceName(ifname)) {
    const why = Buffer.byteLength(ifname) > 15 ? 'interface name is too long' : 'interface name is invalid';
    throw new CniError(
      'environment',
      why,
      `CNI_IFNAME is ${shown(ifname)}; it has at most 15 characters, no space, no : and no /`,
    );
  }
}

/** A value from outside, quoted for a message, in one line of bounded length. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : value === undefined ? 'nothing' : JSON.stringify(value);
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
