// Runs a property and, when it fails, prints what fast-check says: the seed, the path and the smallest example.
// ava by itself shows only the assertion that failed first.

import type { ExecutionContext } from 'ava';
import fc from 'fast-check';

/** fc.assert with a report. */
export function holds<Ts>(
  t: ExecutionContext,
  property: fc.IProperty<Ts>,
  parameters?: fc.Parameters<Ts>,
): void {
  const result = fc.check(property, parameters);
  if (result.failed) report(t, fc.defaultReportMessage(result));
}

/** fc.assert with a report, for properties that wait. */
export async function holdsAsync<Ts>(
  t: ExecutionContext,
  property: fc.IAsyncProperty<Ts>,
  parameters?: fc.Parameters<Ts>,
): Promise<void> {
  const result = await fc.check(property, parameters);
  if (result.failed) report(t, await fc.asyncDefaultReportMessage(result));
}

function report(t: ExecutionContext, message: string | undefined): void {
  t.log(message);
  t.fail(message);
}
