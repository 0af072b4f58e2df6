// Sends operations to the kernel and counts them. What they are for, and what a refusal means, its callers know.

import type { Counters } from '../counters.js';
import type { Kernel, KernelError, KernelOperation } from './kernel.js';

/** One outcome an operation, undefined for success. Nothing is sent where there is nothing to do. */
export async function carryOut(
  { kernel, counters }: { readonly kernel: Kernel; readonly counters: Counters },
  operations: readonly KernelOperation[],
): Promise<readonly (KernelError | undefined)[]> {
  if (operations.length === 0) return [];
  const errors = await kernel.apply(operations);
  counters.increment('kernelOperations', operations.length);
  counters.increment('kernelOperationErrors', errors.filter((error) => error !== undefined).length);
  return errors;
}
