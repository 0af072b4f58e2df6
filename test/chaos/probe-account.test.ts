// Every probe is counted once, and a loss on a healthy path is found whatever stands around it.

import test from 'ava';
import type { ProbeResult } from '../../src/lab/echo-probe.js';
import { Disturbances } from './disturbances.js';
import { ProbeAccount, type Outage, type WrongAnswer } from './probe-account.js';

const NAMES = ['host1', 'host2', 'host3'];

function makeAccount(): {
  account: ProbeAccount;
  disturbances: Disturbances;
  outages: Outage[];
  wrong: WrongAnswer[];
} {
  const disturbances = new Disturbances({ leadMs: 100, graceMs: 500 });
  const [outages, wrong]: [Outage[], WrongAnswer[]] = [[], []];
  const account = new ProbeAccount(NAMES, {
    excuse: (a, b, at) => disturbances.excuse(a, b, at),
    onOutage: (outage) => outages.push(outage),
    onWrongAnswer: (answer) => wrong.push(answer),
  });
  return { account, disturbances, outages, wrong };
}

const lost = (to: number, sentAt: number): ProbeResult => ({
  ...{ to: NAMES[to] ?? '', address: `10.5.${to}.2`, sentAt },
});
function probe(to: number, sentAt: number, answeredBy = to): ProbeResult {
  return { ...lost(to, sentAt), answeredAt: sentAt + 3, answeredBy: NAMES[answeredBy] ?? '' };
}

test('losses in a row on a healthy path are one outage, from the last answered probe to the next', (t) => {
  const { account, outages } = makeAccount();
  // Losses are told of long after the answers that came later.
  for (const result of [probe(1, 1000), probe(1, 1300), lost(1, 1100), lost(1, 1200)]) account.add(0, result);
  account.finish();
  t.deepEqual(outages, [{ from: 0, to: 1, lost: 2, began: 1000, ended: 1300 }]);
  t.deepEqual(
    [account.healthy, account.disturbed],
    [
      { sent: 4, lost: 2 },
      { sent: 0, lost: 0 },
    ],
  );
  t.is(account.longestOutageMs, 300);
  t.is(account.slowestMs, 3);
});

test('a loss at the very end is found too', (t) => {
  const { account, outages } = makeAccount();
  account.add(0, probe(1, 1000));
  account.add(0, lost(1, 1100));
  account.finish();
  t.is(outages.length, 1);
});

test('a disturbance excuses its own paths alone, from a little before to a grace after', (t) => {
  const { account, disturbances, outages } = makeAccount();
  const end = disturbances.begin([1], 'its link is down', 2000);
  end(3000);
  for (const at of [1899, 1901, 2500, 3499, 3501]) account.add(0, lost(1, at));
  for (const at of [1000, 2500, 4000]) account.add(0, lost(2, at));
  account.finish();
  t.deepEqual(
    outages.map(({ to, lost: count }) => [to, count]),
    [
      [1, 1],
      [1, 1],
      [2, 3],
    ],
  );
  t.deepEqual(account.disturbed, { sent: 3, lost: 3 });
});

test('a disturbance between two hosts leaves their other paths healthy', (t) => {
  const { account, disturbances } = makeAccount();
  disturbances.begin([1, 0], 'cut', 0);
  account.add(0, lost(1, 100));
  account.add(0, lost(2, 100));
  account.add(1, lost(0, 100));
  account.finish();
  t.deepEqual([account.healthy.lost, account.disturbed.lost], [1, 2]);
});

test('an answer by another pod is told, unless the path is disturbed', (t) => {
  const { account, disturbances, wrong } = makeAccount();
  account.add(0, probe(1, 1000, 2));
  disturbances.begin([1], 'its lease is gone', 2000);
  account.add(0, probe(1, 2500, 2));
  account.finish();
  t.deepEqual(wrong, [{ from: 0, to: 1, at: 1000, address: '10.5.1.2', answeredBy: 'host3' }]);
});

test('only what is ripe is judged: a disturbance may become known later', (t) => {
  const { account, disturbances, outages } = makeAccount();
  account.add(0, lost(1, 1000));
  account.judge(1000);
  disturbances.begin([0], 'heard of late', 900);
  account.finish();
  t.deepEqual(outages, []);
});

test('a disturbance that lasts until a condition ends at the tick that sees it', (t) => {
  const { disturbances } = makeAccount();
  let over = false;
  disturbances.beginUntil([0], 'lease gone', 1000, () => over);
  disturbances.tick(2000);
  t.deepEqual(disturbances.open(), ['lease gone']);
  over = true;
  disturbances.tick(3000);
  t.deepEqual(disturbances.open(), []);
  t.is(disturbances.excuse(0, 1, 3400), 'lease gone');
  t.is(disturbances.excuse(0, 1, 3600), undefined);
  t.true(disturbances.any(3400, 9000, 'lease'));
  t.false(disturbances.any(3600, 9000, 'lease'));
  t.false(disturbances.any(3400, 9000, 'link'));
});
