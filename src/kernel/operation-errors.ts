// Makes KernelErrors: from the errno the kernel answers with, and from the text of the operation it refused.

import { constants } from 'node:os';
import { KernelError, type KernelOperation } from './kernel.js';
import { operationText } from './text.js';

// Two names share a number on Linux; the kernel's own texts use these.
const PREFERRED = new Set(['EAGAIN', 'EOPNOTSUPP', 'EDEADLK']);
const NAMES = new Map<number, string>();
for (const [name, number] of Object.entries(constants.errno)) {
  if (!NAMES.has(number) || PREFERRED.has(name)) NAMES.set(number, name);
}

/** `EPERM` for 1. A number without a name, such as the kernel's internal 524, is `E524`. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `E${errno}`;
}

/** The number of an errno's name on this system; 0 for a name that is none. */
export function errnoOf(name: string): number {
  return (constants.errno as Readonly<Record<string, number>>)[name] ?? 0;
}

/**
 * A request the kernel refused. `errno` > 0; `extack` are the kernel's own words, where it gave any.
 * A missing privilege says what to do about it, since no caller can know better.
 */
export function kernelError(
  operation: string,
  errno: number,
  extack?: string,
  options?: ErrorOptions,
): KernelError {
  const error = new KernelError(operation, errnoName(errno), errno, extack, options);
  if (error.code === 'EPERM') error.message += '; run as root or with CAP_NET_ADMIN';
  return error;
}

/** `replace route 10.5.9.0/24 via 10.5.9.0 dev #4 …`: what an operation's error names as the operation. */
export function operationName(operation: KernelOperation): string {
  return `${operation.verb} ${operationText(operation, (index) => `#${index}`)}`;
}
