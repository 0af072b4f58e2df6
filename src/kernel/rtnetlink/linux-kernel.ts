// The Kernel interface over rtnetlink: one socket for requests, one for events, /proc/sys and ethtool for settings.
// It ties the parts of this folder together; message formats, batches and event decoding are theirs.

import type { Clock } from '../../clock.js';
import type { Counters } from '../../counters.js';
import type { Logger } from '../../logger.js';
import { isNativeError, openNetlink, type NetlinkHandle, type NetlinkHandlers } from '../../native.js';
import type { Family, Ip } from '../../subnet/cidr.js';
import {
  MAIN_TABLE,
  type Address,
  type FdbEntry,
  type Kernel,
  type KernelError,
  type KernelEvent,
  type KernelOperation,
  type Link,
  type Neighbour,
  type Route,
  type RouteLookup,
} from '../kernel.js';
import { errnoOf, kernelError, operationName } from '../operation-errors.js';
import type { Refusal } from './ack.js';
import { readAddress, writeAddressDump } from './address-message.js';
import { Changes } from './changes.js';
import { Connection, type Write } from './connection.js';
import { NETLINK_ROUTE, RTM, RTNLGRP } from './constants.js';
import { EventSource } from './event-source.js';
import { readLink, writeLinkDump } from './link-message.js';
import { readNeighbour, writeFdbDump, writeNeighbourDump, type ReadNeighbour } from './neighbour-message.js';
import { isDeviceSetting, readDeviceSetting, writeDeviceSetting } from './device-settings.js';
import type { Chunk, MessageCursor } from './reader.js';
import { readAnyRoute, readRoute, writeRouteDump, writeRouteQuery } from './route-message.js';
import { readSetting, SETTINGS_ROOT, writeSetting } from './settings.js';

const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
const EVENT_GROUPS = [
  RTNLGRP.LINK,
  RTNLGRP.NEIGH,
  RTNLGRP.IPV4_IFADDR,
  RTNLGRP.IPV4_ROUTE,
  RTNLGRP.IPV6_IFADDR,
  RTNLGRP.IPV6_ROUTE,
];

export interface LinuxKernelDependencies {
  readonly logger: Logger;
  readonly counters: Counters;
  readonly clock: Clock;
  /**
   * Path of the network namespace to work in, for tests; the process's own otherwise. Settings of /proc/sys are
   * always those of the process's namespace: it shows no other.
   */
  readonly netns?: string;
}

/** What reading one message gives: the object, `other` for one we do not speak of, undefined when it is illegible. */
type Read<T> = (chunk: Chunk, start: number, end: number) => T | 'other' | undefined;

export class LinuxKernel implements Kernel {
  readonly #dependencies: LinuxKernelDependencies;
  readonly #connection: Connection;
  readonly #changes: Changes;
  readonly #events: EventSource;
  #unreadable = 0;

  /** Opens the socket for requests. Throws KernelError; needs no privilege until something is to be changed. */
  static open(dependencies: LinuxKernelDependencies): LinuxKernel {
    return new LinuxKernel(dependencies);
  }

  private constructor(dependencies: LinuxKernelDependencies) {
    const { logger, counters, clock } = dependencies;
    this.#dependencies = dependencies;
    const open = (groups: readonly number[]) => (handlers: NetlinkHandlers) =>
      this.#openSocket(groups, handlers);
    this.#connection = new Connection({ open: open([]), clock, logger });
    this.#changes = new Changes(this.#connection, dependencies.netns);
    const ownPort = this.#connection.portId;
    this.#events = new EventSource({ open: open(EVENT_GROUPS), ownPort, clock, counters, logger });
  }

  links(): Promise<readonly Link[]> {
    return this.#dump('list links', writeLinkDump, RTM.NEWLINK, readLink);
  }

  addresses(): Promise<readonly Address[]> {
    return this.#dump('list addresses', writeAddressDump, RTM.NEWADDR, readAddress);
  }

  async routes(family: Family): Promise<readonly Route[]> {
    const write: Write = (writer) => writeRouteDump(writer, family);
    // Without support for a family the kernel answers with the routes of the others.
    const wanted = (route: Route): boolean =>
      route.table === MAIN_TABLE && route.dst.includes(':') === (family === 6);
    try {
      return (await this.#dump(`list IPv${family} routes`, write, RTM.NEWROUTE, readRoute)).filter(wanted);
    } catch (error) {
      // The main table of a namespace that never had a route does not exist yet.
      if (isKernelCode(error, 'ENOENT')) return [];
      throw error;
    }
  }

  /** Without entries that need no resolution (multicast, loopback), as `ip neigh` shows them. */
  async neighbours(link: number): Promise<readonly Neighbour[]> {
    const all = await this.#neighbours(`list neighbours of link #${link}`, (writer) =>
      writeNeighbourDump(writer, link),
    );
    return all.flatMap((read) =>
      read.kind === 'neighbour' && !read.noarp && read.neighbour.link === link ? [read.neighbour] : [],
    );
  }

  async fdb(link: number): Promise<readonly FdbEntry[]> {
    const all = await this.#neighbours(`list forwarding entries of link #${link}`, (writer) =>
      writeFdbDump(writer, link),
    );
    return all.flatMap((read) => (read.kind === 'fdb' && read.entry.link === link ? [read.entry] : []));
  }

  async routeTo(address: Ip): Promise<RouteLookup> {
    const operation = `find the route to ${address}`;
    const write: Write = (writer) => writeRouteQuery(writer, address);
    const [route] = await this.#ask(operation, false, write, RTM.NEWROUTE, readAnyRoute);
    if (route?.link === undefined) throw kernelError(operation, errnoOf('ENETUNREACH'));
    const refused = refusalOf(route);
    if (refused !== undefined) throw kernelError(operation, errnoOf(refused));
    const { link, gateway, source } = route;
    return { link, ...(gateway !== undefined && { gateway }), ...(source !== undefined && { source }) };
  }

  async apply(operations: readonly KernelOperation[]): Promise<readonly (KernelError | undefined)[]> {
    return this.#outcomes(operations, await this.#changes.apply(operations));
  }

  #outcomes(
    operations: readonly KernelOperation[],
    refusals: readonly (Refusal | undefined)[],
  ): (KernelError | undefined)[] {
    const { counters } = this.#dependencies;
    counters.increment('kernelOperations', operations.length);
    return operations.map((operation, index) => {
      const refusal = refusals[index];
      if (refusal === undefined) return undefined;
      counters.increment('kernelOperationErrors');
      return kernelError(operationName(operation), refusal.errno, refusal.extack);
    });
  }

  watch(listener: (event: KernelEvent) => void): Promise<() => void> {
    // In a promise, so that an error of opening the socket is a rejection.
    return new Promise((resolve) => {
      resolve(this.#events.listen(listener));
    });
  }

  readSetting(path: string): Promise<string | undefined> {
    const { netns } = this.#dependencies;
    return isDeviceSetting(path) ? readDeviceSetting(path, netns) : readSetting(SETTINGS_ROOT, path);
  }

  writeSetting(path: string, value: string): Promise<void> {
    const { netns } = this.#dependencies;
    return isDeviceSetting(path)
      ? writeDeviceSetting(path, value, netns)
      : writeSetting(SETTINGS_ROOT, path, value);
  }

  close(): void {
    this.#events.close();
    this.#connection.close();
  }

  #neighbours(operation: string, write: Write): Promise<readonly ReadNeighbour[]> {
    return this.#dump(operation, write, RTM.NEWNEIGH, readNeighbour);
  }

  #dump<T extends object>(
    operation: string,
    write: Write,
    type: number,
    read: Read<T>,
  ): Promise<readonly T[]> {
    return this.#ask(operation, true, write, type, read);
  }

  async #ask<T extends object>(
    operation: string,
    dump: boolean,
    write: Write,
    type: number,
    read: Read<T>,
  ): Promise<readonly T[]> {
    const result = await this.#connection.query(dump, write, (message) => {
      if (message.type !== type) return undefined;
      const item = read(message.chunk, message.start, message.end);
      if (item === undefined) this.#skipped(operation, message);
      return item === 'other' ? undefined : item;
    });
    if ('errno' in result) throw kernelError(operation, result.errno, result.extack);
    return result;
  }

  #skipped(operation: string, message: MessageCursor): void {
    this.#dependencies.counters.increment('kernelMessagesUnreadable');
    // Once: the next listing would say it again. The counter has the rest.
    if (this.#unreadable++ > 0) return;
    this.#dependencies.logger.warn('an answer of the kernel could not be read; it is skipped', {
      op: operation,
      object: `netlink message type ${message.type}`,
    });
  }

  #openSocket(groups: readonly number[], handlers: NetlinkHandlers): NetlinkHandle {
    const { netns } = this.#dependencies;
    try {
      return openNetlink(
        {
          protocol: NETLINK_ROUTE,
          groups,
          receiveBuffer: RECEIVE_BUFFER_BYTES,
          ...(netns !== undefined && { netns }),
        },
        handlers,
      );
    } catch (error) {
      if (!isNativeError(error)) throw error;
      throw kernelError(error.operation, error.errno, undefined, { cause: error });
    }
  }
}

function isKernelCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** What an IPv6 answer means that names a route of refusal; IPv4 says these as errors. */
function refusalOf(route: Route): string | undefined {
  switch (route.type) {
    case 'unreachable':
      return 'EHOSTUNREACH';
    case 'prohibit':
      return 'EACCES';
    case 'blackhole':
      return 'EINVAL';
    case 'unicast':
    case 'local':
    case 'broadcast':
    case 'other':
      return undefined;
  }
}
