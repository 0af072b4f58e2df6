// Programs for addon.test.ts, one a scenario, run in a process of their own: they end, or fail to end, as a whole.

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { openNetlink, type NetlinkHandle } from '../../src/native.js';
import { RTM } from '../../src/kernel/rtnetlink/constants.js';
import { writeLinkDump } from '../../src/kernel/rtnetlink/link-message.js';
import { MessageWriter } from '../../src/kernel/rtnetlink/writer.js';

const file = fileURLToPath(import.meta.url);

/** A request for all links, which needs no privilege. */
export function linkDump(): Uint8Array {
  const writer = new MessageWriter(256);
  writer.sequence = 1;
  writeLinkDump(writer);
  return writer.written;
}

export function open(onData: (chunk: Uint8Array) => void): NetlinkHandle {
  const options = { protocol: 0, groups: [], receiveBuffer: 1 << 20 };
  const fail = (errno: number): void => {
    throw new Error(`netlink error ${errno}`);
  };
  return openNetlink(options, { data: onData, error: fail });
}

function busy(): NetlinkHandle {
  const handle = open(() => {
    handle.send(linkDump());
  });
  for (let request = 0; request < 20; request++) handle.send(linkDump());
  return handle;
}

export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Fails when more descriptors are open than before, for as long as that can take. */
async function expectClosed(before: number, step: () => unknown = () => undefined): Promise<void> {
  for (let turn = 0; turn < 400 && openDescriptors() > before; turn++) {
    step();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  if (openDescriptors() > before) throw new Error(`${openDescriptors() - before} descriptors are left`);
}

async function reopen(): Promise<void> {
  const threads = (): number => readdirSync('/proc/self/task').length;
  const before = [openDescriptors(), threads()] as const;
  for (let round = 0; round < 200; round++) busy().close();
  await expectClosed(before[0]);
  if (threads() > before[1]) throw new Error(`${threads() - before[1]} threads are left`);
}

async function collected(): Promise<void> {
  const before = openDescriptors();
  // Unlike busy(), these listeners do not refer to their handles, which would hold them.
  for (let round = 0; round < 30; round++) open(() => undefined).send(linkDump());
  await expectClosed(before, () => globalThis.gc?.());
}

async function workers(): Promise<void> {
  await worker('busy');
  // What node opens with its first worker stays open.
  const before = openDescriptors();
  for (const ending of ['busy', 'close', 'busy', 'close', 'busy', 'close']) await worker(ending);
  await expectClosed(before);
}

async function worker(ending: string): Promise<void> {
  const thread = new Worker(file, { workerData: ending });
  await new Promise((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', resolve);
  });
  await thread.terminate();
}

function inWorker(): void {
  const handle = open(() => {
    parentPort?.postMessage('answered');
    handle.send(linkDump());
    if (workerData === 'close') handle.close();
  });
  handle.send(linkDump());
}

const scenarios: Readonly<Record<string, () => unknown>> = {
  /** Ends by itself once closed. */
  close: () => {
    const handle = open(() => {
      handle.close();
    });
    handle.send(linkDump());
  },
  /** Is closed with answers on their way. */
  'close-at-once': () => {
    busy().close();
  },
  /** Ends in the midst of work, with the socket open. */
  exit: () => {
    busy();
    setTimeout(() => process.exit(0), 20);
  },
  /** A listener that throws is an uncaught exception like any other. */
  throw: () => {
    process.once('uncaughtException', (error) => {
      process.exit(error.message === 'thrown by the listener' ? 0 : 1);
    });
    const handle = open(() => {
      throw new Error('thrown by the listener');
    });
    handle.send(linkDump());
  },
  reopen,
  collected,
  workers,
};

if (!isMainThread) inWorker();
else if (process.argv[1] === file) await scenarios[process.argv[2] ?? '']?.();

/** Used by the tests to tell an answer from anything else. */
export const ANSWER_TYPE = RTM.NEWLINK;
