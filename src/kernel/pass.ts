// One pass of the reconciler: devices and the packet engine first (settle-devices.ts), then the objects on them, each
// step planned purely and then applied.
// It keeps no state between passes; when to run one is reconciler.ts.

import { expect, observe, type Actual } from './actual.js';
import { attach } from './attach.js';
import { carryOut } from './carry-out.js';
import { countOperations, type ByKind } from './census.js';
import type { KernelError, KernelOperation } from './kernel.js';
import { planObjects } from './plan-objects.js';
import { refusal, type Problem } from './problem.js';
import type { RouteHistory } from './route-history.js';
import { settleDevices, type DeviceParts } from './settle-devices.js';
import { operationText } from './text.js';
import type { WantedKernel, WantedLink } from './wanted.js';

/** How many changed objects a log line names. */
const NAMED_CHANGES = 5;

export interface PassResult {
  readonly actual: Actual;
  readonly problems: readonly Problem[];
  /** Whether `actual` can be built upon: devices are as wanted, and nothing failed that leaves the outcome open. */
  readonly certain: boolean;
  /** Whether belief turned out wrong, so that the pass should be repeated from a fresh reading at once. */
  readonly again: boolean;
  readonly changes: Changes;
}

/** What a pass did: how many operations, of which kinds, and the first few in words. */
export interface Changes {
  readonly count: number;
  readonly kinds: ByKind;
  readonly text: string;
}

/**
 * Runs one pass: from belief where it is given, else from a reading of the kernel, which `onRead` is told of before
 * anything on it is changed. Rejects when reading fails.
 */
export async function runPass(
  parts: DeviceParts,
  wanted: WantedKernel,
  believed: Actual | undefined,
  history: RouteHistory,
  onRead: (actual: Actual) => void,
): Promise<PassResult> {
  const fresh = believed === undefined;
  const basis = fresh
    ? await fromReading(parts, wanted, history, onRead)
    : fromBelief(parts, wanted, believed);
  const { actual } = basis;

  const plan = planObjects(wanted, actual, parts.scope, history);
  for (const operation of plan.operations) expect(actual, operation);
  const errors = await carryOut(parts, plan.operations);
  const failed = plan.operations.flatMap((operation, index) => {
    const error = errors[index];
    if (error === undefined) history.done(operation);
    return error === undefined || isAlreadySo(operation, error) ? [] : [{ operation, error }];
  });
  // A device that was there for the belief may be gone by now, or its index given away: look before judging.
  const again = !fresh && (!basis.sound || failed.length > 0);
  // A peer whose route cannot be made must not prolong the beginning, in which unmarked routes are upstream's.
  const swept = failed.every(({ operation }) => operation.kind !== 'route' || operation.verb === 'create');
  if (fresh && swept) history.begun();
  const name = (index: number): string => actual.links.get(index)?.name ?? `link ${index}`;
  const refusals = failed.map((one) => refusal(one.operation, one.error, name));
  return {
    actual,
    problems: again ? [] : [...basis.problems, ...plan.problems, ...refusals],
    certain: basis.sound && failed.length === 0,
    again,
    changes: changesOf([...basis.operations, ...plan.operations], name),
  };
}

/** What the objects are planned on. */
interface Basis {
  readonly actual: Actual;
  readonly problems: readonly Problem[];
  readonly operations: readonly KernelOperation[];
  /** Whether devices and engine are as wanted. */
  readonly sound: boolean;
}

async function fromReading(
  parts: DeviceParts,
  wanted: WantedKernel,
  history: RouteHistory,
  onRead: (actual: Actual) => void,
): Promise<Basis> {
  const { links, operations, problems } = await settleDevices(parts, wanted);
  const actual = await observe(parts.kernel, links, wanted, parts.scope);
  onRead(actual);
  const settings = await settleSettings(parts, wanted.links, actual);
  history.observed(actual, wanted);
  return { actual, operations, problems: [...problems, ...settings], sound: problems.length === 0 };
}

/** It does not look at devices, so there is no belief on devices that are not as wanted. */
function fromBelief(parts: DeviceParts, wanted: WantedKernel, actual: Actual): Basis {
  // The engine hears of every peer before the kernel does.
  const { state } = attach(parts, wanted, actual.links.values());
  const sound = state === 'as-before' || state === 'attached';
  return { actual, operations: [], problems: [], sound };
}

async function settleSettings(
  { kernel, logger }: DeviceParts,
  wanted: readonly WantedLink[],
  actual: Actual,
): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  // A device with the name of ours may be somebody else's.
  const own = new Set([...actual.ownLinks].map((index) => actual.links.get(index)?.name));
  for (const link of wanted) {
    if (!own.has(link.name)) continue;
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
  return problems;
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
  return { count: done.length, kinds: countOperations(done), text: named.join('; ') };
}
