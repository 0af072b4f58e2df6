// Carries out cleanup's plan, step by step. What is gone already is success; a step that fails does not keep the next
// from being tried, and is told.

import { rmdir } from 'node:fs/promises';
import { systemEnvFiles } from '../flanneld/subnet-env.js';
import { RulesError } from '../kernel/rules.js';
import type { CleanupAct, CleanupStep } from './cleanup-plan.js';
import type { OpenedHost } from './open-kernel.js';

export interface Outcome {
  readonly step: CleanupStep;
  /** Undefined for success. */
  readonly failure: string | undefined;
}

/** Gives a lease back in etcd. */
export type GiveBack = (lease: Extract<CleanupAct, { kind: 'lease' }>['lease']) => Promise<void>;

/** Of an object that is not there any more. */
const GONE = new Set(['ENOENT', 'ESRCH', 'ENODEV', 'ENXIO']);

export async function carryOutPlan(
  host: Pick<OpenedHost, 'kernel' | 'nft' | 'tool'>,
  giveBack: GiveBack,
  steps: readonly CleanupStep[],
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const step of steps) {
    const failure = await carryOut(host, giveBack, step.act).catch((error: unknown) =>
      error instanceof Error ? error.message : String(error),
    );
    outcomes.push({ step, failure });
  }
  return outcomes;
}

/** Resolves to why it failed, or rejects. */
async function carryOut(
  { kernel, nft, tool }: Pick<OpenedHost, 'kernel' | 'nft' | 'tool'>,
  giveBack: GiveBack,
  act: CleanupAct,
): Promise<string | undefined> {
  switch (act.kind) {
    case 'kernel': {
      const [error] = await kernel.apply([act.operation]);
      if (error === undefined || GONE.has(error.code)) return undefined;
      const denied = error.code === 'EPERM' || error.code === 'EACCES';
      return denied ? `${error.message}; run it as root or with CAP_NET_ADMIN` : error.message;
    }
    case 'nft':
      return absentIsFine(() => nft.send(act.lines));
    case 'iptables': {
      const { code, stderr } = await tool.run('iptables-restore', ['--noflush', '--wait=5'], {
        stdin: act.restore,
      });
      return code === 0
        ? undefined
        : `iptables-restore ended with ${code}: ${stderr.trim().slice(0, 300)}; try again`;
    }
    case 'file':
      // Where it is an env file, its other name goes as well.
      await systemEnvFiles.remove(act.path);
      return undefined;
    case 'folder':
      return removeEmpty(act.path);
    case 'lease':
      await giveBack(act.lease);
      return undefined;
  }
}

async function absentIsFine(send: () => Promise<void>): Promise<string | undefined> {
  try {
    await send();
  } catch (error) {
    if (!(error instanceof RulesError) || !error.message.includes('No such file or directory')) throw error;
  }
  return undefined;
}

async function removeEmpty(path: string): Promise<string | undefined> {
  try {
    await rmdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    return `${path} is not empty; somebody has put something into it`;
  }
  return undefined;
}
