// The signs of life of a loop, as the loop gives them, whether anybody listens or not. Who does is health/heartbeats.ts.

export interface Heartbeat {
  /** It has got on with its work, and will say something again within its bound. */
  works(): void;
  /** It has nothing to do for so many milliseconds, and may be silent for that long; Infinity until something happens. */
  waits(ms: number): void;
  /** It has ended. */
  ends(): void;
}

/** Begins to follow a loop of this name, one of whose steps may take `boundMs`; it is taken to work. */
export type OpenHeartbeat = (loop: string, boundMs: number) => Heartbeat;

const UNHEARD: Heartbeat = { works: () => undefined, waits: () => undefined, ends: () => undefined };

/** The same where somebody listens; else a heartbeat that nobody hears. */
export function openHeartbeat(open: OpenHeartbeat | undefined, loop: string, boundMs: number): Heartbeat {
  return open?.(loop, boundMs) ?? UNHEARD;
}

/** Follows the work, a loop that ends by itself, until it has ended in whatever way. */
export async function followed<T>(beat: Heartbeat, work: (beat: Heartbeat) => Promise<T>): Promise<T> {
  try {
    return await work(beat);
  } finally {
    beat.ends();
  }
}
