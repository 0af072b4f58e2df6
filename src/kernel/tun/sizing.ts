// How many threads and queues the engine gets, and whether it spins: from the cores there are. Pure.

export interface Sizing {
  readonly queues: number;
  /** A thread for each direction of a queue. */
  readonly split: boolean;
  readonly spinNs: number;
}

const MOST_QUEUES = 4;
/** A wake-up saved after each packet costs this much looking, and nothing without traffic; see docs/udp.md. */
const DEFAULT_SPIN_MICROSECONDS = 50;

/**
 * A thread for each direction, so that acknowledgements do not wait for the data that they acknowledge (on two cores
 * a tenth more of TCP in one stream, a third more on a loaded machine). Spinning threads yield to whatever else can
 * run, so two cores allow it: an eighth to a third more of TCP, a quarter to a half off a round trip, no more CPU a byte.
 */
export function sizeOf(
  cores: number,
  wishes: { readonly queues: number | undefined; readonly spinMicroseconds: number | undefined },
): Sizing {
  const queues = wishes.queues ?? Math.max(1, Math.min(MOST_QUEUES, Math.floor(cores / 2)));
  const spin = wishes.spinMicroseconds ?? (cores > 1 ? DEFAULT_SPIN_MICROSECONDS : 0);
  return { queues, split: cores > 1, spinNs: spin * 1000 };
}
