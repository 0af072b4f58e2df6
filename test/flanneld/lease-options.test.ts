// The times of a lease on the command line.

import test from 'ava';
import { parseCommandLine } from '../../src/flanneld/cli.js';
import { durationSeconds } from '../../src/flanneld/duration.js';
import { UsageError } from '../../src/flanneld/errors.js';
import { leaseTerms } from '../../src/flanneld/lease-options.js';
import type { LeaseTerms } from '../../src/subnet/lease-manager.js';

function terms(...argv: string[]): LeaseTerms {
  const invocation = parseCommandLine(argv, {});
  if (invocation.action !== 'run') throw new Error('not a run');
  return leaseTerms(invocation.options);
}

test('durations are Go’s', (t) => {
  const rows: [string, number | undefined][] = [
    ['24h', 86_400],
    ['1h30m', 5400],
    ['90s', 90],
    ['1.5h', 5400],
    ['2500ms', 2.5],
    ['0', 0],
    ['', undefined],
    ['24', undefined],
    ['-1h', undefined],
    ['1d', undefined],
    ['1h ', undefined],
    [`${'9'.repeat(10)}h`, undefined],
  ];
  for (const [text, seconds] of rows) t.is(durationSeconds(text), seconds, text);
});

test('a lease lives for a day unless told, and is late by its own time unless told', (t) => {
  t.deepEqual(terms(), { ttlSeconds: 86_400 });
  t.deepEqual(terms('-subnet-lease-ttl=30s'), { ttlSeconds: 30 });
  t.deepEqual(terms('-subnet-lease-renew-margin=90'), { ttlSeconds: 86_400, marginMs: 5_400_000 });
});

test('a margin that leaves no time is refused', (t) => {
  for (const argv of [
    ['-subnet-lease-renew-margin=1440'],
    ['-subnet-lease-renew-margin=1', '-subnet-lease-ttl=60s'],
  ]) {
    t.regex(t.throws(() => terms(...argv), { instanceOf: UsageError }).message, /lives for .* only/);
  }
});
