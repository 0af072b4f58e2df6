// What the dataplane bench measures, and how the figures are kept: by MTU, subject and metric, one a round. Pure.

import { summarize, type Summary } from './machine.js';
import type { SubjectName } from './subjects.js';

export interface Metric {
  readonly id: string;
  readonly unit: string;
  readonly digits: number;
}

export interface Measure {
  readonly title: string;
  readonly metrics: readonly Metric[];
  /** Measured at every MTU of the run, not at its first alone. */
  readonly everyMtu?: true;
  /** Mostly zeros, of which there are no ratios. */
  readonly bare?: true;
}

const tcp = (id: string): Metric[] => [
  { id, unit: 'Gbit/s', digits: 2 },
  { id: `${id}-cpu`, unit: 'CPU s/GB', digits: 2 },
];
const packets = (id: string): Metric[] => [
  { id: `${id}-saturated`, unit: 'k/s saturated', digits: 1 },
  { id: `${id}-lossless`, unit: 'k/s without loss', digits: 1 },
];

/** One row a measure; the names are those of --measures. */
const MEASURES = {
  tcp: { title: 'TCP, one stream', metrics: tcp('tcp'), everyMtu: true },
  'tcp-reverse': { title: 'TCP, one stream, reverse', metrics: tcp('tcp-reverse'), everyMtu: true },
  tcp4: { title: 'TCP, four streams', metrics: tcp('tcp4') },
  'tcp4-reverse': { title: 'TCP, four streams, reverse', metrics: tcp('tcp4-reverse') },
  packets: { title: 'UDP, 64 bytes, sent singly', metrics: packets('packets') },
  segments: { title: 'UDP, 64 bytes, sent by 32 (UDP_SEGMENT)', metrics: packets('segments') },
  latency: {
    title: 'UDP round trip',
    metrics: [
      { id: 'p50', unit: 'µs p50', digits: 1 },
      { id: 'p99', unit: 'µs p99', digits: 1 },
    ],
  },
  rest: {
    title: 'Daemons at rest, both hosts',
    metrics: [{ id: 'rest', unit: 'CPU ms/s', digits: 1 }],
    bare: true,
  },
} as const satisfies Record<string, Measure>;

export type MeasureName = keyof typeof MEASURES;
export const MEASURE_NAMES = Object.keys(MEASURES) as readonly MeasureName[];

/** The row of a measure, without the table's literal types. */
export function measureOf(name: MeasureName): Measure {
  return MEASURES[name];
}

export interface Place {
  readonly mtu: number;
  readonly subject: SubjectName;
  readonly metric: string;
}

/** Figures by place, one a round; null where the measurement failed. */
export class Figures {
  readonly #series = new Map<string, (number | null)[]>();

  add(place: Place, figure: number | null): void {
    const series = this.#series.get(keyOf(place)) ?? [];
    series.push(figure);
    this.#series.set(keyOf(place), series);
  }

  /** Of the rounds that gave a figure; undefined when none did. */
  summary(place: Place): Summary | undefined {
    const figures = this.#of(place).filter((figure) => figure !== null);
    return figures.length === 0 ? undefined : summarize(figures);
  }

  /** The median of the ratios to another subject, round by round; undefined without a common round. */
  ratio(place: Place, base: SubjectName): number | undefined {
    const others = this.#of({ ...place, subject: base });
    const ratios = this.#of(place).flatMap((figure, round) => {
      const other = others[round] ?? null;
      return figure === null || other === null || other === 0 ? [] : [figure / other];
    });
    return ratios.length === 0 ? undefined : summarize(ratios).median;
  }

  /** Whether some measurement failed. */
  get incomplete(): boolean {
    return [...this.#series.values()].some((series) => series.includes(null));
  }

  toJSON(): Record<string, readonly (number | null)[]> {
    return Object.fromEntries(this.#series);
  }

  #of(place: Place): readonly (number | null)[] {
    return this.#series.get(keyOf(place)) ?? [];
  }
}

function keyOf({ mtu, subject, metric }: Place): string {
  return `${mtu} ${subject} ${metric}`;
}
