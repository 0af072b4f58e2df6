// Opens the kernel of this host for a command: netlink, nft and iptables, the locks of state folders. Nothing is decided here.

import { systemClock, type Clock } from '../clock.js';
import { Counters } from '../counters.js';
import { KernelError, type Kernel } from '../kernel/kernel.js';
import { Nft } from '../kernel/nftables/nft.js';
import { LinuxKernel } from '../kernel/rtnetlink/linux-kernel.js';
import { RulesError } from '../kernel/rules.js';
import { ToolRunner } from '../kernel/tool.js';
import type { Logger } from '../logger.js';
import { StateError } from '../state/errors.js';
import { lockFolder, tryLock } from '../state/folder.js';
import type { CommandIo } from './command.js';
import { CommandError } from './errors.js';
import { toldLogger } from './told-logger.js';

export interface OpenedHost {
  readonly kernel: Kernel;
  readonly nft: Nft;
  readonly tool: ToolRunner;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  /** Locks a network's state folder until the command ends; resolves to who has it, in words, where somebody has. */
  readonly lock: (folder: string) => Promise<string | undefined>;
  /** Locks a file until the command ends; false where somebody else has it. Throws StateError. */
  readonly hold: (file: string) => boolean;
}

/** Runs the action on this host's kernel. Throws CommandError where the kernel or a tool refuses. */
export async function withHost<T>(
  io: Pick<CommandIo, 'err'>,
  action: (host: OpenedHost) => Promise<T>,
): Promise<T> {
  const parts = { clock: systemClock, logger: toldLogger(io), counters: new Counters() };
  const releases: (() => void)[] = [];
  const tool = new ToolRunner(parts);
  let kernel: LinuxKernel | undefined;
  try {
    kernel = LinuxKernel.open(parts);
    const lock = async (folder: string): Promise<string | undefined> => {
      try {
        // An aborted signal: nobody is waited for.
        releases.push(await lockFolder(folder, { ...parts, signal: AbortSignal.abort() }));
        return undefined;
      } catch (error) {
        if (error instanceof StateError && error.code === 'locked')
          return /is in use by (.*?):/.exec(error.message)?.[1] ?? 'another process';
        throw error;
      }
    };
    const hold = (file: string): boolean => {
      const held = tryLock(file);
      if (held === undefined) return false;
      releases.push(() => {
        held.close();
      });
      return true;
    };
    return await action({ ...parts, kernel, tool, nft: new Nft(tool), lock, hold });
  } catch (error) {
    const isTold = error instanceof KernelError || error instanceof RulesError || error instanceof StateError;
    if (!isTold) throw error;
    throw new CommandError('command-failed', error.message, { cause: error });
  } finally {
    kernel?.close();
    for (const release of releases) release();
  }
}
