// Tests of checks as rows: facts, and the finding that they are to lead to.

import test from 'ava';
import type { FindingStatus } from '../../src/doctor/check.js';
import { find, type collected } from './scene.js';

export interface Row {
  readonly title: string;
  readonly facts?: Parameters<typeof collected>[0];
  readonly status: FindingStatus;
  readonly seen: RegExp;
  /** Absent: there is none. */
  readonly remedy?: RegExp;
}

/** One test a row: among the findings of the check is one of this status and text; of a worse one there is none. */
export function testRows(id: string, rows: readonly Row[]): void {
  for (const { title, facts = {}, status, seen, remedy } of rows) {
    test(`${id}: ${title}`, (t) => {
      const findings = find(id, facts);
      const found = findings.find((finding) => finding.status === status && seen.test(finding.seen));
      t.truthy(found, JSON.stringify(findings, undefined, 1));
      if (remedy === undefined) t.is(found?.remedy, '');
      else t.regex(found?.remedy ?? '', remedy);
      const worse = ['ok', 'warn', 'fail'].slice(
        ['ok', 'skip'].includes(status) ? 1 : status === 'warn' ? 2 : 3,
      );
      t.deepEqual(
        findings.filter((finding) => worse.includes(finding.status)),
        [],
      );
    });
  }
}
