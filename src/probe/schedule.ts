// Whose turn it is to be probed: members of a rotation take turns, so many within a period at the most, spread over it.
// Two rotations make the schedule: the calm one, and an eager one for those that are suspected. No clock, no timer.

export interface Pace {
  /** Within so long each member has its turn, as long as they are few. */
  readonly periodMs: number;
  /** How many turns a period has at the most: with more members, each waits longer. */
  readonly most: number;
}

export class Rotation {
  readonly #pace: Pace;
  /** When each had its turn, or joined; in that order, so that the first one's turn is next. */
  readonly #members = new Map<string, number>();
  #lastTurn = -Infinity;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  get size(): number {
    return this.#members.size;
  }

  has(member: string): boolean {
    return this.#members.has(member);
  }

  /** Joins at the end of the row. */
  add(member: string, now: number): void {
    this.#members.set(member, now);
  }

  delete(member: string): void {
    this.#members.delete(member);
  }

  /**
   * When the next turn is, monotonic milliseconds; Infinity without members. Evenly spread, but nobody waits for longer
   * than a period because there were fewer members a moment ago, as long as the pace allows it.
   */
  get nextAt(): number {
    const [first] = this.#members.values();
    if (first === undefined) return Infinity;
    const { periodMs, most } = this.#pace;
    const spread = this.#lastTurn + periodMs / Math.min(most, this.#members.size);
    return Math.max(this.#lastTurn + periodMs / most, Math.min(spread, first + periodMs));
  }

  /** Whose turn it is at `now`, if anybody's. Turns that were missed are not made up for. */
  take(now: number): string | undefined {
    if (now < this.nextAt) return undefined;
    const [member] = this.#members.keys();
    if (member === undefined) return undefined;
    this.#members.delete(member);
    this.#members.set(member, now);
    this.#lastTurn = now;
    return member;
  }
}

/** Peers a round that nothing is wrong with, and as many that are suspected: some hundred packets a second in all. */
export const MOST_PEERS = 50;
/** How often a suspected peer is probed, so that its recovery is seen soon. */
const EAGER_MS = 2_000;

export class Schedule {
  readonly #calm: Rotation;
  readonly #eager: Rotation;

  /** `intervalMs`: within so long each peer is probed, as long as there are not more than MOST_PEERS. */
  constructor(intervalMs: number) {
    this.#calm = new Rotation({ periodMs: intervalMs, most: MOST_PEERS });
    this.#eager = new Rotation({ periodMs: Math.min(EAGER_MS, intervalMs), most: MOST_PEERS });
  }

  /** Puts a peer where it belongs; one that is there already keeps its place. */
  put(peer: string, eager: boolean, now: number): void {
    const [to, from] = eager ? [this.#eager, this.#calm] : [this.#calm, this.#eager];
    from.delete(peer);
    if (!to.has(peer)) to.add(peer, now);
  }

  delete(peer: string): void {
    this.#calm.delete(peer);
    this.#eager.delete(peer);
  }

  get nextAt(): number {
    return Math.min(this.#calm.nextAt, this.#eager.nextAt);
  }

  take(now: number): string | undefined {
    return this.#eager.take(now) ?? this.#calm.take(now);
  }
}
