// The doctor's report for people.

import test from 'ava';
import { reportText } from '../../src/commands/doctor-text.js';
import type { DoctorReport } from '../../src/doctor/report.js';

const REPORT: DoctorReport = {
  state: 'fail',
  counts: { ok: 1, warn: 0, fail: 1, skip: 1 },
  findings: [
    { check: 'a', title: 'forwarding', status: 'fail', seen: 'it is off', remedy: '`sysctl -w x=1`' },
    { check: 'b', title: 'peers', status: 'ok', seen: 'all answer', remedy: '', network: 'blue' },
    { check: 'c', title: 'clock', status: 'skip', seen: 'nobody tells', remedy: '' },
  ],
};

test('what failed stands last, with what mends it, and then the sum', (t) => {
  t.is(
    reportText(REPORT, { colour: false }),
    [
      'ok    peers (blue): all answer',
      'skip  clock: nobody tells',
      'fail  forwarding: it is off',
      '      → `sysctl -w x=1`',
      '',
      '1 check failed, 0 warnings, 1 is fine, 1 was skipped',
      '',
    ].join('\n'),
  );
});

test('colour is there where it is wanted', (t) => {
  t.true(reportText(REPORT, { colour: true }).includes('\u001b[31mfail'));
});
