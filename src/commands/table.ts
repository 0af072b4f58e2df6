// Rows as a table for people: aligned by what a terminal shows, colour only where there is one, nobody's control characters.
// What is in the rows is the command's.

import { oneLine } from '../health/one-line.js';
import type { CommandIo } from './command.js';
import { displayWidth } from './width.js';

/** What a cell says at a glance; `plain` cells are as the terminal prints them. */
export type Shade = 'plain' | 'good' | 'warn' | 'bad' | 'dim' | 'bold';

interface ShadedCell {
  readonly text: string;
  readonly shade: Shade;
}

export type Cell = string | ShadedCell;

export interface Column {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly right?: boolean;
}

export interface TableLook {
  readonly colour: boolean;
}

const LONGEST_CELL = 200;
const GAP = '  ';
const SGR: Readonly<Record<Shade, string>> = {
  plain: '',
  good: '32',
  warn: '33',
  bad: '31',
  dim: '2',
  bold: '1',
};

/** Whether to print in colour: to a terminal that is not a dumb one, unless NO_COLOR says otherwise (no-color.org). */
export function lookOf({ isTerminal, env }: CommandIo): TableLook {
  return { colour: isTerminal === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb' };
}

/**
 * A line of titles and one a row, each with a line break. A column without any text in its rows is left out; so is the
 * whole table without rows: '' then. Texts are cut to one printable line of 200 characters.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  { colour }: TableLook,
): string {
  if (rows.length === 0) return '';
  const clean = rows.map((row) => columns.map((_, index) => cleaned(row[index] ?? '')));
  const used = columns
    .map((column, index) => ({ column, index }))
    .filter(({ index }) => clean.some((row) => row[index]?.text !== ''));
  const titles = columns.map(({ title }): ShadedCell => ({ text: title.toUpperCase(), shade: 'dim' }));
  const lines = [titles, ...clean].map((row) => used.map(({ index }) => row[index] ?? cleaned('')));
  const widths = used.map((_, place) =>
    lines.reduce((widest, line) => Math.max(widest, displayWidth(line[place]?.text ?? '')), 0),
  );
  return lines
    .map((line) => {
      const cells = line.map((cell, place) => {
        const space = ' '.repeat((widths[place] ?? 0) - displayWidth(cell.text));
        const text = shaded(cell, { colour });
        return used[place]?.column.right === true ? space + text : text + space;
      });
      return `${cells.join(GAP).trimEnd()}\n`;
    })
    .join('');
}

/** `name: value` lines, the values below one another; those without a value are left out. */
export function renderFields(
  fields: readonly (readonly [string, Cell])[],
  look: TableLook,
  indent = '',
): string {
  const shown = fields
    .map(([name, value]) => [name, cleaned(value, 4 * LONGEST_CELL)] as const)
    .filter(([, { text }]) => text !== '');
  const width = Math.max(0, ...shown.map(([name]) => displayWidth(name)));
  return shown
    .map(([name, value]) => {
      const label = shaded({ text: `${name}:`, shade: 'dim' }, look);
      return `${indent}${label}${' '.repeat(width - displayWidth(name))} ${shaded(value, look)}\n`;
    })
    .join('');
}

/** The text of a cell with its colour around it, where there is to be colour. */
export function shaded(cell: Cell, { colour }: TableLook): string {
  const { text, shade } = cleaned(cell, 4 * LONGEST_CELL);
  return colour && shade !== 'plain' && text !== '' ? `\u001b[${SGR[shade]}m${text}\u001b[0m` : text;
}

function cleaned(cell: Cell, limit = LONGEST_CELL): ShadedCell {
  const { text, shade } = typeof cell === 'string' ? { text: cell, shade: 'plain' as const } : cell;
  return { text: oneLine(text, limit), shade };
}
