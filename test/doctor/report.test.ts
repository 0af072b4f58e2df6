// The report as a whole: counts, states, and no byte in it that could harm a terminal.

import test from 'ava';
import { check, fail, ok, skip, warn } from '../../src/doctor/check.js';
import { CHECKS } from '../../src/doctor/checks.js';
import { examine } from '../../src/doctor/report.js';
import { collected } from './scene.js';

const row = (...findings: ReturnType<typeof fail>[]): ReturnType<typeof check> =>
  check({ id: 'x', title: 'X', looksAt: '', needs: [], judge: () => findings });

test('the worst finding makes the state, and what was skipped does not count', (t) => {
  const state = (...findings: ReturnType<typeof fail>[]): string =>
    examine([row(...findings)], collected()).state;
  t.is(state(ok('a'), skip('b')), 'ok');
  t.is(state(ok('a'), warn('b', 'c')), 'warn');
  t.is(state(warn('b', 'c'), fail('d', 'e'), ok('a')), 'fail');
  t.deepEqual(examine([row(ok('a'), skip('b'))], collected()).counts, { ok: 1, warn: 0, fail: 0, skip: 1 });
});

test('a healthy host has nothing but what is fine', (t) => {
  const { findings } = examine(CHECKS, collected());
  t.deepEqual(
    findings.filter(({ status }) => status !== 'ok'),
    [],
  );
});

test('texts of others are one line without control characters', (t) => {
  const [finding] = examine([row(fail('a\u001b[2J\nb\u0085c\u202ed', 'x\ny'))], collected()).findings;
  t.notRegex(`${finding?.seen ?? ''}${finding?.remedy ?? ''}`, /[\p{C}]/u);
});

test('ids are unique, and each check says what it looks at and what it needs', (t) => {
  t.is(new Set(CHECKS.map(({ id }) => id)).size, CHECKS.length);
  for (const { id, looksAt, needs } of CHECKS) {
    t.regex(id, /^[a-z-]+$/);
    t.true(looksAt.length > 10 && needs.length > 0, id);
  }
});

test('a fact that is missing skips exactly the checks that need it', (t) => {
  for (const name of ['daemons', 'store', 'files', 'kernel', 'rules', 'sockets', 'managers'] as const) {
    const { findings } = examine(CHECKS, collected({ [name]: 'not for you' }));
    const skipped = new Set(findings.filter(({ seen }) => seen === 'not for you').map(({ check: id }) => id));
    t.deepEqual(
      [...skipped],
      CHECKS.filter(({ needs }) => needs.includes(name)).map(({ id }) => id),
    );
  }
});
