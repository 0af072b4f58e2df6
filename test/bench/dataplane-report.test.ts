// Figures of the dataplane bench, as they are kept, compared and shown.

import test from 'ava';
import { Figures } from '../../bench/dataplane-metrics.js';
import { measuresAt, panels, reportText, type Run } from '../../bench/dataplane-report.js';

function figures(): Figures {
  const kept = new Figures();
  const rounds: readonly (readonly [number, number | null])[] = [
    [10, 5],
    [20, 11],
    [8, null],
  ];
  for (const [vxlan, udp] of rounds) {
    kept.add({ mtu: 1500, subject: 'vxlan', metric: 'tcp' }, vxlan);
    kept.add({ mtu: 1500, subject: 'udp', metric: 'tcp' }, udp);
  }
  return kept;
}
const run: Run = {
  figures: figures(),
  subjects: ['plain', 'vxlan', 'udp'],
  measures: ['tcp', 'latency'],
  mtus: [1500, 9000],
};

test('a ratio is the median of the ratios round by round, without rounds in which either failed', (t) => {
  const udp = { mtu: 1500, subject: 'udp', metric: 'tcp' } as const;
  t.is(run.figures.ratio(udp, 'vxlan'), (5 / 10 + 11 / 20) / 2);
  t.is(run.figures.ratio(udp, 'per-packet'), undefined);
  t.deepEqual(run.figures.summary(udp), { median: 8, min: 5, max: 11, count: 2 });
  t.true(run.figures.incomplete);
});

test('only TCP with one stream is measured beyond the first MTU', (t) => {
  t.deepEqual(measuresAt(run, 1500), ['tcp', 'latency']);
  t.deepEqual(measuresAt(run, 9000), ['tcp']);
});

test('a block has a line for each subject that has figures, and a column for each base that was measured', (t) => {
  const [block = ''] = reportText(run).split('\n\n');
  t.deepEqual(
    block.split('\n').map((line) => line.trim().replaceAll(/ {2,}/g, ' | ')),
    [
      'TCP, one stream, MTU 1500; median (range)',
      'Gbit/s | × vxlan | CPU s/GB | × vxlan',
      'vxlan | 10.00 (8.00–20.00) | 1.00',
      'udp | 8.00 (5.00–11.00) | 0.53',
    ],
  );
});

test('of what is mostly zero there are no ratios', (t) => {
  const kept = new Figures();
  kept.add({ mtu: 1500, subject: 'vxlan', metric: 'rest' }, 0);
  const text = reportText({ ...run, figures: kept, measures: ['rest'], mtus: [1500] });
  t.regex(text, /CPU ms\/s\n {2}vxlan {2}0\.0 \(0\.0–0\.0\)$/);
});

test('the picture has panels for what was measured, and ours stands out', (t) => {
  const [panel, ...more] = panels(run);
  t.is(more.length, 0);
  t.is(panel?.title, 'TCP, one stream, MTU 1500');
  t.is(panel?.hint, 'Gbit/s, more is better');
  t.deepEqual(
    panel?.bars.map(({ label, text, strong }) => [label, text, strong]),
    [
      ['vxlan', '10.00', false],
      ['udp', '8.00', true],
    ],
  );
});
