// One pass of the reconciler: devices first, then the objects on them, each step planned purely and then applied.
// It keeps no state between passes; when to run one is reconciler.ts.

import type { Counters } from '../counters.js';
import type { Logger } from '../logger.js';
import { expect, observe, type Actual } from './actual.js';
import type { Kernel, KernelError, KernelOperation, Link } from './kernel.js';
import { planLinks } from './plan-links.js';
import { planObjects } from './plan-objects.js';
import type { Scope } from './ownership.js';
import { refusal, type Problem } from './problem.js';
import type { RouteHistory } from './route-history.js';
import { operationText } from './text.js';
import type { WantedKernel, WantedLink } from './wanted.js';

/** Create, set up, and look once more: a device is as wanted after at most this many rounds, or something undoes it. */
const DEVICE_ROUNDS = 4;
/** How many changed objects a log line names. */
const NAMED_CHANGES = 5;

export interface PassParts {
  readonly kernel: Kernel;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly scope: Scope;
}

export interface PassResult {
  readonly actual: Actual;
  readonly problems: readonly Problem[];
  /** Whether `actual` can be built upon: devices are as wanted, and nothing failed that leaves the outcome open. */
  readonly certain: boolean;
  /** Whether belief turned out wrong, so that the pass should be repeated from a fresh reading at once. */
  readonly again: boolean;
  readonly changes: Changes;
}

/** What a pass did: how many operations, and the first few in words. */
interface Changes {
  readonly count: number;
  readonly text: string;
}

/**
 * Runs one pass: from belief where it is given, else from a reading of the kernel, which `onRead` is told of before
 * anything on it is changed. Rejects when reading fails.
 */
export async function runPass(
  parts: PassParts,
  wanted: WantedKernel,
  believed: Actual | undefined,
  history: RouteHistory,
  onRead: (actual: Actual) => void,
): Promise<PassResult> {
  const problems: Problem[] = [];
  const devices = believed === undefined ? await settleDevices(parts, wanted.links, problems) : undefined;
  const actual = believed ?? (await observe(parts.kernel, devices?.links ?? [], wanted, parts.scope));
  if (believed === undefined) {
    onRead(actual);
  }
  // A pass from belief does not look at devices, so there is none to be built on devices that are not as wanted.
  const sound = problems.length === 0;
  if (believed === undefined) {
    await settleSettings(parts, wanted.links, actual, problems);
    history.observed(actual, wanted);
  }

  const plan = planObjects(wanted, actual, parts.scope, history);
  for (const operation of plan.operations) expect(actual, operation);
  const errors = await apply(parts, plan.operations);
  const failed = plan.operations.flatMap((operation, index) => {
    const error = errors[index];
    if (error === undefined) history.done(operation);
    return error === undefined || isAlreadySo(operation, error) ? [] : [{ operation, error }];
  });
  // A device that was there for the belief may be gone by now, or its index given away: look before judging.
  const again = believed !== undefined && failed.length > 0;
  // A peer whose route cannot be made must not prolong the beginning, in which unmarked routes are upstream's.
  const swept = failed.every(({ operation }) => operation.kind !== 'route' || operation.verb === 'create');
  if (believed === undefined && swept) history.begun();
  const name = (index: number): string => actual.links.get(index)?.name ?? `link ${index}`;
  if (!again)
    problems.push(...plan.problems, ...failed.map((one) => refusal(one.operation, one.error, name)));
  const done = [...(devices?.operations ?? []), ...plan.operations];
  return { actual, problems, certain: sound && failed.length === 0, again, changes: changesOf(done, name) };
}

async function settleDevices(
  parts: PassParts,
  wanted: readonly WantedLink[],
  problems: Problem[],
): Promise<{ links: readonly Link[]; operations: readonly KernelOperation[] }> {
  const done: KernelOperation[] = [];
  let links = await parts.kernel.links();
  for (let round = 1; ; round++) {
    const plan = planLinks(wanted, links, parts.scope);
    const name = (index: number): string =>
      links.find((link) => link.index === index)?.name ?? `link ${index}`;
    if (plan.operations.length === 0 || round > DEVICE_ROUNDS) {
      problems.push(...plan.problems);
      for (const operation of plan.operations) problems.push(undone(operation, name));
      return { links, operations: done };
    }
    for (const reason of plan.recreated)
      parts.logger.warn('device is incompatible with the config, recreating it', { reason });
    const errors = await apply(parts, plan.operations);
    const refused = plan.operations.flatMap((operation, index) => {
      const error = errors[index];
      return error === undefined ? [] : [refusal(operation, error, name)];
    });
    done.push(...plan.operations);
    links = await parts.kernel.links();
    if (refused.length > 0) {
      problems.push(...plan.problems, ...refused);
      return { links, operations: done };
    }
  }
}

/** Something rewrites the device as fast as we do; systemd-networkd and NetworkManager are known for it. */
function undone(operation: KernelOperation, name: (index: number) => string): Problem {
  const object = operationText(operation, name);
  const message = `${object} does not stay as set: another program changes it back; exempt it there (NetworkManager: unmanaged-devices, systemd-networkd: a .link file with MACAddressPolicy=none)`;
  return { code: 'collision', kind: 'link', object, message };
}

async function settleSettings(
  { kernel, logger }: PassParts,
  wanted: readonly WantedLink[],
  actual: Actual,
  problems: Problem[],
): Promise<void> {
  const present = new Set([...actual.links.values()].map((link) => link.name));
  for (const link of wanted) {
    if (!present.has(link.name)) continue;
    for (const [path, value] of Object.entries(link.settings)) {
      try {
        // Absent where the kernel has no IPv6; then there is nothing to guard against either.
        const current = await kernel.readSetting(path);
        if (current === undefined || current === value) continue;
        await kernel.writeSetting(path, value);
        logger.debug('setting written', { object: path, state: value });
      } catch (error) {
        const message = `cannot set ${path} to ${value}: ${error instanceof Error ? error.message : String(error)}`;
        problems.push({ code: 'refused', kind: 'setting', object: path, message });
      }
    }
  }
}

async function apply(
  { kernel, counters }: PassParts,
  operations: readonly KernelOperation[],
): Promise<readonly (KernelError | undefined)[]> {
  if (operations.length === 0) return [];
  const errors = await kernel.apply(operations);
  counters.increment('kernelOperations', operations.length);
  counters.increment('kernelOperationErrors', errors.filter((error) => error !== undefined).length);
  return errors;
}

/** Deleting what is absent, or on a device that is gone, is success. */
function isAlreadySo(operation: KernelOperation, error: KernelError): boolean {
  return (
    operation.verb === 'delete' &&
    ['ENOENT', 'ESRCH', 'ENODEV', 'EADDRNOTAVAIL', 'ENXIO'].includes(error.code)
  );
}

function changesOf(done: readonly KernelOperation[], name: (index: number) => string): Changes {
  const named = done
    .slice(0, NAMED_CHANGES)
    .map((operation) => `${operation.verb} ${operationText(operation, name)}`);
  return { count: done.length, text: named.join('; ') };
}
