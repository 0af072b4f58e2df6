// Tables: aligned by what a terminal shows, whatever is in the cells.

import test from 'ava';
import fc from 'fast-check';
import { renderFields, renderTable } from '../../src/commands/table.js';
import { displayWidth } from '../../src/commands/width.js';
import { holds } from '../subnet/property.js';

const PLAIN = { colour: false };

test('columns are as wide as their widest cell; numbers stand to the right; empty columns go', (t) => {
  const columns = [{ title: 'name' }, { title: 'empty' }, { title: 'size', right: true }, { title: 'last' }];
  const text = renderTable(
    columns,
    [
      ['a', '', '1', 'x'],
      ['longer', '', '1000', { text: 'y', shade: 'bad' }],
    ],
    PLAIN,
  );
  t.is(text, 'NAME    SIZE  LAST\na          1  x\nlonger  1000  y\n');
  t.is(renderTable(columns, [], PLAIN), '');
});

test('wide letters, joined ones and marks are counted as a terminal shows them', (t) => {
  for (const [text, width] of [
    ['abc', 3],
    ['日本', 4],
    ['é', 1],
    ['e\u0301', 1],
    ['👩‍👩‍👧', 2],
    ['ｆ', 2],
    ['', 0],
    ['–…', 2],
  ] as const)
    t.is(displayWidth(text), width, text);
  t.is(
    renderTable(
      [{ title: 'a' }, { title: 'b' }],
      [
        ['日本', 'x'],
        ['abcd', 'y'],
      ],
      PLAIN,
    ),
    'A     B\n日本  x\nabcd  y\n',
  );
});

test('colour surrounds the text alone, and changes no width', (t) => {
  const rows = [[{ text: 'no', shade: 'bad' as const }, 'x']];
  t.is(
    renderTable([{ title: 'ready' }, { title: 'b' }], rows, { colour: true }),
    '\u001b[2mREADY\u001b[0m  \u001b[2mB\u001b[0m\n\u001b[31mno\u001b[0m     x\n',
  );
});

test('fields stand below one another, and empty ones go', (t) => {
  t.is(
    renderFields(
      [
        ['a', '1'],
        ['none', ''],
        ['long', '2'],
      ],
      PLAIN,
      ' ',
    ),
    ' a:    1\n long: 2\n',
  );
});

test('no cell brings a control character or a line of its own', (t) => {
  holds(
    t,
    fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string()), { minLength: 1 }), (rows) => {
      const text = renderTable([{ title: 'a' }, { title: 'b' }], rows, PLAIN);
      t.true(text.split('\n').length - 2 <= rows.length);
      t.notRegex(text.replaceAll('\n', ''), /[\0-\x1f\x7f-\x9f]/);
    }),
  );
});
