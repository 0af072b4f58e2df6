// What one scrape tells, metric by metric, as the rows of metrics-table.ts allow. How it is written is the library's.

import type { Histogrammed } from './histogram.js';
import type { LabelsOf, MetricName } from './metrics-table.js';

export interface Sample {
  /** Another name than the metric's: those a histogram is made of. */
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export class Samples {
  readonly #samples = new Map<string, Sample[]>();

  add<N extends MetricName>(name: N, labels: LabelsOf<N>, value: number): void {
    this.addAs(name, { labels, value });
  }

  /** Of a metric that is not in METRICS, or in parts of one that is a histogram. */
  addAs(name: string, sample: Sample): void {
    const known = this.#samples.get(name);
    if (known === undefined) this.#samples.set(name, [sample]);
    else known.push(sample);
  }

  histogram(name: MetricName, { bounds, counts, sum, count }: Histogrammed): void {
    for (const [index, bound] of bounds.entries()) this.#bucket(name, String(bound), counts[index] ?? 0);
    this.#bucket(name, '+Inf', count);
    this.addAs(name, { metricName: `${name}_sum`, labels: {}, value: sum });
    this.addAs(name, { metricName: `${name}_count`, labels: {}, value: count });
  }

  of(name: string): readonly Sample[] {
    return this.#samples.get(name) ?? [];
  }

  #bucket(name: MetricName, le: string, value: number): void {
    this.addAs(name, { metricName: `${name}_bucket`, labels: { le }, value });
  }
}
