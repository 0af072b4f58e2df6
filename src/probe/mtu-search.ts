// The largest packet that passes, found by a few volleys: each asks several sizes at once between what passed and what did
// not. Pure; sending and waiting are prober.ts.

export interface MtuSearch {
  /** The largest size that passed, in bytes of the IP packet. */
  readonly low: number;
  /** The smallest size known not to pass. */
  readonly high: number;
  readonly volleys: number;
  /** What a router on the way said. */
  readonly hint?: number;
}

const SIZES = 8;
/** From 64 KiB down to the byte takes five; a way that loses at random ends here. */
const MOST_VOLLEYS = 7;

export function isFound({ low, high, volleys }: MtuSearch): boolean {
  return high - low <= 1 || volleys >= MOST_VOLLEYS;
}

/** What to ask next: strictly between what passes and what does not, in rising order, none twice. */
export function volley({ low, high, hint }: MtuSearch): readonly number[] {
  const sizes = new Set<number>();
  const between = (size: number): boolean => size > low && size < high;
  for (let step = 1; step <= SIZES; step++) sizes.add(low + Math.round(((high - low) * step) / (SIZES + 1)));
  // A router's word is anybody's: it is tried, not believed.
  if (hint !== undefined) for (const size of [hint, hint + 1]) sizes.add(size);
  return [...sizes].filter(between).sort((a, b) => a - b);
}

/** After a volley: which of its sizes were answered. */
export function narrowed(
  search: MtuSearch,
  asked: readonly number[],
  answered: ReadonlySet<number>,
): MtuSearch {
  if (asked.length === 0) return search;
  const low = Math.max(search.low, ...answered);
  const high = Math.min(search.high, ...asked.filter((size) => size > low && !answered.has(size)));
  return { ...search, low, high, volleys: search.volleys + 1 };
}
