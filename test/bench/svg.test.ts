// The picture: what is drawn where, and that it is well-formed.

import test from 'ava';
import { barChart, type Bar } from '../../bench/svg.js';

const bar = (label: string, value: number, more: Partial<Bar> = {}): Bar => ({
  ...{ label, value, min: value, max: value, text: value.toFixed(1), strong: false },
  ...more,
});
const chart = (bars: readonly Bar[], panels = 1): string =>
  barChart({
    title: 'A <b> & "c"',
    notes: ['one note'],
    panels: Array.from({ length: panels }, (_, index) => ({ title: `panel ${index}`, hint: 'more', bars })),
  });
const attribute = (svg: string, pattern: RegExp): number[] =>
  [...svg.matchAll(pattern)].map(([, value]) => Number(value));

test('the longest bar fills the room and the others are in proportion', (t) => {
  const widths = attribute(chart([bar('a', 10), bar('b', 5), bar('c', 0)]), /width="([\d.]+)" height="13"/g);
  t.is(widths.length, 3);
  t.is(widths[1], widths[0]! / 2);
  t.is(widths[2], 0);
});

test('a range is a line from the least to the greatest, and the value stands beyond it', (t) => {
  const svg = chart([bar('a', 10, { min: 5, max: 20 })]);
  const [width = 0] = attribute(svg, /width="([\d.]+)" height="13"/g);
  const [from = 0] = attribute(svg, /x1="([\d.]+)"/g);
  const [to = 0] = attribute(svg, /x2="([\d.]+)"/g);
  t.is(to - from, width * 1.5);
  t.true(attribute(svg, /<text x="([\d.]+)" y="[\d.]+">10\.0/g)[0]! > to);
  t.false(chart([bar('a', 10)]).includes('class="range"'));
});

test('every text is escaped, every tag closed, and no figure is not a number', (t) => {
  const svg = chart([bar('<&>', 0), bar('b', 0, { strong: true })], 3);
  t.true(svg.includes('A &lt;b&gt; &amp; &quot;c&quot;'));
  t.notRegex(svg, /NaN|Infinity|undefined/);
  const open: string[] = [];
  for (const [, end, name = '', empty] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (end === '/') t.is(open.pop(), name);
    else if (empty !== '/') open.push(name);
  }
  t.deepEqual(open, []);
});

test('everything is inside the picture, on light and on dark ground', (t) => {
  const svg = chart([bar('a', 1), bar('b', 2), bar('c', 3)], 5);
  const [height = 0] = attribute(svg, /^<svg [^>]*height="(\d+)"/g);
  t.true(Math.max(...attribute(svg, / y="([\d.]+)"/g)) < height);
  t.true(svg.includes('prefers-color-scheme: dark'));
});
