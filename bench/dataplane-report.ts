// The figures of the dataplane bench as text and as panels of the picture. Pure.

import { table } from '../src/lab/demo-report.js';
import { measureOf, type Figures, type MeasureName, type Metric, type Place } from './dataplane-metrics.js';
import { show } from './machine.js';
import type { SubjectName } from './subjects.js';
import type { Panel } from './svg.js';

/** What ratios are given to, with the heads of their columns. */
const BASES: readonly SubjectName[] = ['per-packet', 'vxlan'];

export interface Run {
  readonly figures: Figures;
  readonly subjects: readonly SubjectName[];
  readonly measures: readonly MeasureName[];
  readonly mtus: readonly number[];
}

/** The measures taken at an MTU. */
export function measuresAt({ measures, mtus }: Pick<Run, 'measures' | 'mtus'>, mtu: number): MeasureName[] {
  return measures.filter((name) => mtu === mtus[0] || measureOf(name).everyMtu === true);
}

function ratioText(ratio: number | undefined): string {
  return ratio === undefined ? '' : ratio.toFixed(2);
}

function section(run: Run, mtu: number, name: MeasureName): string {
  const { title, metrics, bare = false } = measureOf(name);
  const bases = BASES.filter((base) => !bare && run.subjects.includes(base));
  const head = metrics.flatMap(({ unit }) => [unit, ...bases.map((base) => `× ${base}`)]);
  const rows = run.subjects.flatMap((subject) => {
    const cells = metrics.flatMap(({ id, digits }) => {
      const place: Place = { mtu, subject, metric: id };
      const summary = run.figures.summary(place);
      const ratios = bases.map((base) => ratioText(run.figures.ratio(place, base)));
      return [summary === undefined ? '' : show(summary, digits), ...ratios];
    });
    return cells.every((cell) => cell === '') ? [] : [[`  ${subject}`, ...cells]];
  });
  return `${title}, MTU ${mtu}; median (range)\n${table([['', ...head], ...rows])}`;
}

/** One block a measure and MTU, one line a subject. */
export function reportText(run: Run): string {
  const parts = run.mtus.flatMap((mtu) => measuresAt(run, mtu).map((name) => section(run, mtu, name)));
  return parts.join('\n\n');
}

interface PanelOf {
  /** Counted in the run's MTUs. */
  readonly mtu: number;
  readonly measure: MeasureName;
  readonly metric: number;
  readonly better: 'more' | 'less';
}

const PANELS: readonly PanelOf[] = [
  { mtu: 0, measure: 'tcp', metric: 0, better: 'more' },
  { mtu: 0, measure: 'tcp4', metric: 0, better: 'more' },
  { mtu: 0, measure: 'tcp', metric: 1, better: 'less' },
  { mtu: 1, measure: 'tcp', metric: 0, better: 'more' },
  { mtu: 0, measure: 'packets', metric: 0, better: 'more' },
  { mtu: 0, measure: 'packets', metric: 1, better: 'more' },
  { mtu: 0, measure: 'segments', metric: 0, better: 'more' },
  { mtu: 0, measure: 'latency', metric: 0, better: 'less' },
];

function panel(run: Run, of: PanelOf): Panel | undefined {
  const mtu = run.mtus[of.mtu];
  const { title, metrics } = measureOf(of.measure);
  const metric: Metric | undefined = metrics[of.metric];
  if (mtu === undefined || metric === undefined) return undefined;
  const bars = run.subjects.flatMap((subject) => {
    const summary = run.figures.summary({ mtu, subject, metric: metric.id });
    if (summary === undefined) return [];
    const { median, min, max } = summary;
    const strong = subject === 'udp' || subject === 'udp-no-spin';
    return [{ label: subject, value: median, min, max, text: median.toFixed(metric.digits), strong }];
  });
  if (bars.length === 0) return undefined;
  return { title: `${title}, MTU ${mtu}`, hint: `${metric.unit}, ${of.better} is better`, bars };
}

/** The panels for which there are figures. */
export function panels(run: Run): Panel[] {
  return PANELS.flatMap((of) => panel(run, of) ?? []);
}
