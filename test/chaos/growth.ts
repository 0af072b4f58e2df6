// Whether a process grows: medians of its memory and its handles, early in its life and late. Pure.

export interface Sample {
  /** Milliseconds. */
  readonly at: number;
  readonly rssKb: number;
  readonly handles: number;
}

export interface Growth {
  readonly minutes: number;
  readonly rssKb: readonly [early: number, late: number];
  readonly handles: readonly [early: number, late: number];
  /** What has grown beyond what a process may that has warmed up; empty for nothing. */
  readonly grown: readonly string[];
}

/** A life must be that long to show growth: its first minute is warming up. */
const WARM_UP_MS = 60_000;
const SHORTEST_MS = 180_000;
/** What may come on top of the early median. */
const RSS_SHARE = 1.25;
const RSS_KB = 16 * 1024;
const HANDLES = 6;

/** Undefined for a life too short to say. */
export function judgeGrowth(samples: readonly Sample[]): Growth | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.at - first.at < SHORTEST_MS) return undefined;
  const warm = samples.filter(({ at }) => at >= first.at + WARM_UP_MS);
  const third = Math.floor(warm.length / 3);
  const [early, late] = [warm.slice(0, third), warm.slice(-third)];
  const medians = (read: (sample: Sample) => number): readonly [number, number] => [
    median(early.map(read)),
    median(late.map(read)),
  ];
  const rssKb = medians((sample) => sample.rssKb);
  const handles = medians((sample) => sample.handles);
  const grown = [
    ...(rssKb[1] > rssKb[0] * RSS_SHARE + RSS_KB ? [`memory from ${rssKb[0]} to ${rssKb[1]} kB`] : []),
    ...(handles[1] > handles[0] + HANDLES ? [`handles from ${handles[0]} to ${handles[1]}`] : []),
  ];
  return { minutes: (last.at - first.at) / 60_000, rssKb, handles, grown };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
