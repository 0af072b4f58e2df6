// The highest rate that gets through without loss, searched by halving. Pure: how a rate is tried is the caller's.

/** One trial: what the source managed to send per second, and which part of it was lost. */
export interface Trial {
  readonly sentRate: number;
  readonly loss: number;
}

/** A part lost that still counts as none: one packet in a thousand, for a machine that has other things to do too. */
export const NO_LOSS = 0.001;

/**
 * Tries `steps` rates between 0 and `most`, halving the interval each time, and returns the best rate that was really
 * sent and got through; 0 when none did.
 */
export async function losslessRate(
  tryRate: (rate: number) => Promise<Trial>,
  { most, steps }: { readonly most: number; readonly steps: number },
): Promise<number> {
  let [low, high, best] = [0, most, 0];
  for (let step = 0; step < steps; step++) {
    const rate = (low + high) / 2;
    const { sentRate, loss } = await tryRate(rate);
    if (loss <= NO_LOSS) {
      best = Math.max(best, sentRate);
      low = rate;
    } else {
      high = rate;
    }
  }
  return best;
}
