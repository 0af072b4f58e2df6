// Loads the addon (native/) on first use and gives it types. The only file that knows what the binary is called.
// No validation beyond TypeScript's: callers inside the program pass what the types say.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ownFile } from './own-files.js';

/** What the addon throws: `code` is the errno's name, `operation` what was tried. */
export interface NativeError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly operation: string;
}

export interface NetlinkHandle {
  /** The address of the socket: nlmsg_pid of the answers to it, and of the events it causes. */
  readonly portId: number;
  /** Queues a copy of one datagram; the socket's own thread sends it. Throws NativeError (EBADF after close). */
  send(bytes: Uint8Array): void;
  /** Waits for a datagram that the kernel is working on, then closes. No callback after it. May be repeated. */
  close(): void;
}

export interface NetlinkHandlers {
  /** Messages as they came, each datagram padded to 4 bytes; the chunk starts at a multiple of 8 in its buffer. */
  data(chunk: Uint8Array): void;
  /**
   * `errno` > 0. With `sending`, a datagram was not sent. Otherwise receiving failed: ENOBUFS, EMSGSIZE and ENOMEM
   * mean that messages were lost and the socket goes on, anything else that it stays silent.
   */
  error(errno: number, sending: boolean): void;
}

export interface NetlinkOptions {
  /** NETLINK_ROUTE, … of linux/netlink.h. */
  readonly protocol: number;
  /** Multicast groups to join (RTNLGRP_*), at most 32. */
  readonly groups: readonly number[];
  /** Bytes. */
  readonly receiveBuffer: number;
  /** Path of the network namespace to open the socket in; for tests. Needs CAP_SYS_ADMIN. */
  readonly netns?: string;
}

/** What the packet engine is opened with; bounds and meaning in native/src/dataplane/engine.h. */
export interface NativeDataplaneOptions {
  readonly device: string;
  readonly deviceIndex: number;
  readonly multiQueue: boolean;
  /** 4 or 16 bytes, in network order; so are the other addresses, of which no bytes mean none. */
  readonly source: Uint8Array;
  readonly port: number;
  readonly mtu: number;
  readonly icmpV4: Uint8Array;
  readonly icmpV6: Uint8Array;
  /** Prefixes of 18 bytes: version, length, address. */
  readonly own: Uint8Array;
  /** 0 off, 1 on, 2 strict. */
  readonly filter: 0 | 1 | 2;
  readonly queues: number;
  /** A thread for each direction of a queue. */
  readonly split: boolean;
  readonly spinNs: number;
  /** Names of features not to be used. */
  readonly disabled: readonly string[];
}

/** A running packet engine. Every method but close() throws NativeError (EBADF) after close(). */
export interface DataplaneHandle {
  /** Records of 40 bytes; throws NativeError and keeps the former routes for one that is none. */
  setRoutes(records: Uint8Array): void;
  counters(): Record<string, number>;
  /** Records of 56 bytes. */
  peers(): Uint8Array;
  /** The features in use. */
  features(): string[];
  /** Ends the threads, at most 100 ms later, and closes. May be repeated. */
  close(): void;
}

/** Tables of the engine, name → what it is. */
export interface DataplaneNames {
  readonly counters: Readonly<Record<string, string>>;
  readonly features: Readonly<Record<string, string>>;
}

/** A TUN device that was just made. It is gone when it is closed, or the process ends, before persist(). */
export interface TunHandle {
  /** Lets the device stay. Throws NativeError (EBADF after close). */
  persist(): void;
  /** Detaches from it. May be repeated. */
  close(): void;
}

/** A file that this process holds locked; whoever drops the last reference to the handle lets go of it. */
export interface LockHandle {
  /** Lets go of the file, which stays. May be repeated. */
  close(): void;
}

/** A raw ICMP socket for echo probes, with a thread that receives. send() and dropped() throw NativeError (EBADF) after close(). */
export interface EchoHandle {
  /**
   * Sends one echo request with DF, never waiting; the milliseconds of CLOCK_MONOTONIC just before. Addresses are four
   * bytes, all zeros for a source of the kernel's choice; `length` is that of the whole IP packet. Throws NativeError:
   * EMSGSIZE beyond the MTU of the interface, EAGAIN where its queue is full.
   */
  send(
    destination: Uint8Array,
    source: Uint8Array,
    sequence: number,
    length: number,
    payload: Uint8Array,
  ): number;
  /** How many packets of the probe were not handed up because they were too many. */
  dropped(): number;
  /** No callback after it. May be repeated. */
  close(): void;
}

export interface EchoOptions {
  /** The ICMP identifier of the requests, of 16 bits: replies to others are not handed up. */
  readonly identifier: number;
  /** Path of the network namespace to open the socket in; for tests. */
  readonly netns?: string;
}

interface Addon {
  openNetlink(
    protocol: number,
    groups: readonly number[],
    receiveBuffer: number,
    netns: string | undefined,
    listener: (data: Uint8Array | undefined, errno: number, sending: boolean) => void,
  ): NetlinkHandle;
  createTun(name: string, multiQueue: boolean, netns: string | undefined): TunHandle;
  notify(path: string, text: string): void;
  boottime(): number;
  lockFile(path: string, text: string): LockHandle;
  openEcho(
    identifier: number,
    netns: string | undefined,
    listener: (records: Uint8Array | undefined, errno: number) => void,
  ): EchoHandle;
  txChecksum(device: string, netns: string | undefined): boolean;
  setTxChecksum(device: string, on: boolean, netns: string | undefined): void;
  openDataplane(
    options: NativeDataplaneOptions,
    failed: (errno: number, place: string) => void,
  ): DataplaneHandle;
  dataplaneNames(): DataplaneNames;
}

/** Opens a netlink socket; an open one keeps the process alive. Throws NativeError. */
export function openNetlink(options: NetlinkOptions, handlers: NetlinkHandlers): NetlinkHandle {
  const { protocol, groups, receiveBuffer, netns } = options;
  return loadAddon().openNetlink(protocol, groups, receiveBuffer, netns, (data, errno, sending) => {
    if (data === undefined) handlers.error(errno, sending);
    else handlers.data(data);
  });
}

/**
 * Opens the socket and starts its thread; an open one keeps the process alive. `listener` is called with received
 * records (echo_socket.h), or once with the errno for which nothing is received any more. Throws NativeError: EPERM
 * without CAP_NET_RAW.
 */
export function openEcho(
  { identifier, netns }: EchoOptions,
  listener: (records: Uint8Array | undefined, errno: number) => void,
): EchoHandle {
  return loadAddon().openEcho(identifier, netns, listener);
}

/** Whether a device computes the checksums of what it sends. Throws NativeError: ENODEV, EOPNOTSUPP. */
export function txChecksum(device: string, netns?: string): boolean {
  return loadAddon().txChecksum(device, netns);
}

/** Switches that on or off, as `ethtool -K <device> tx on|off`. Throws NativeError. */
export function setTxChecksum(device: string, on: boolean, netns?: string): void {
  loadAddon().setTxChecksum(device, on, netns);
}

/**
 * Opens device and socket and starts the threads; a running engine keeps the process alive. `failed` is called once
 * for each thread that cannot go on. Throws NativeError, whose `operation` says what failed.
 */
export function openDataplane(
  options: NativeDataplaneOptions,
  failed: (errno: number, place: string) => void,
): DataplaneHandle {
  return loadAddon().openDataplane(options, failed);
}

export function dataplaneNames(): DataplaneNames {
  return loadAddon().dataplaneNames();
}

/**
 * Makes a TUN device, in the network namespace with that path where one is given. Throws NativeError: EEXIST when any
 * device has the name, ENOENT, ENXIO or ENODEV without a usable /dev/net/tun.
 */
export function createTun(name: string, multiQueue: boolean, netns?: string): TunHandle {
  return loadAddon().createTun(name, multiQueue, netns);
}

/** Sends one sd_notify message to the socket that NOTIFY_SOCKET names (`/path` or `@abstract`). Throws NativeError. */
export function notifyServiceManager(socketPath: string, text: string): void {
  loadAddon().notify(socketPath, text);
}

/**
 * Makes the file where it is absent, locks it for this process, and writes `text` into it. It is free again when the
 * process ends in whatever way; programs that the process starts do not share it. Throws NativeError at once: EAGAIN
 * when it is held, ELOOP and EINVAL for anything but a plain file with one name.
 */
export function lockFile(path: string, text: string): LockHandle {
  return loadAddon().lockFile(path, text);
}

/** CLOCK_BOOTTIME: milliseconds since boot, those of a suspend included. Throws NativeError. */
export function boottime(): number {
  return loadAddon().boottime();
}

export function isNativeError(error: unknown): error is NativeError {
  return error instanceof Error && 'code' in error && 'errno' in error && 'operation' in error;
}

// The module is one a process, as require's own cache has it; finding it there anew takes 47 µs.
let addon: Addon | undefined;

function loadAddon(): Addon {
  if (addon !== undefined) return addon;
  // Installed, it lies beside the program.
  const file = ownFile('flanneld.node', 'native/build/flanneld.node');
  try {
    addon = createRequire(import.meta.url)(file) as Addon;
    return addon;
  } catch (cause) {
    const reason = existsSync(file) ? 'does not load on this system' : 'is missing';
    throw new Error(`the native addon ${file} ${reason}; build it with: npm run build`, { cause });
  }
}
