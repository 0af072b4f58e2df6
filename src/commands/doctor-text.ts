// The doctor's report for people: a line a finding, its remedy below, and a line that sums up. Pure.

import type { FindingStatus } from '../doctor/check.js';
import type { CheckedFinding, DoctorReport } from '../doctor/report.js';
import { shaded, type Shade, type TableLook } from './table.js';

const SHADES: Readonly<Record<FindingStatus, Shade>> = { ok: 'good', warn: 'warn', fail: 'bad', skip: 'dim' };

/** What failed comes last, where a terminal stands; of the rest the order is the table's. */
const ORDER: readonly FindingStatus[] = ['ok', 'skip', 'warn', 'fail'];

export function reportText({ findings, counts }: DoctorReport, look: TableLook): string {
  const lines = ORDER.flatMap((wanted) => findings.filter(({ status }) => status === wanted)).map((finding) =>
    findingText(finding, look),
  );
  const summary = [
    counted(counts.fail, 'check failed', 'checks failed'),
    counted(counts.warn, 'warning', 'warnings'),
    counted(counts.ok, 'is fine', 'are fine'),
    counted(counts.skip, 'was skipped', 'were skipped'),
  ];
  return `${lines.join('')}\n${summary.join(', ')}\n`;
}

function findingText({ status, title, network, seen, remedy }: CheckedFinding, look: TableLook): string {
  const mark = shaded({ text: status, shade: SHADES[status] }, look) + ' '.repeat(4 - status.length);
  const about = network === undefined ? title : `${title} (${network})`;
  const head = `${mark}  ${shaded({ text: about, shade: 'bold' }, look)}: ${seen}\n`;
  return remedy === '' ? head : `${head}      → ${remedy}\n`;
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
