// The timers of a fake clock in the order of their moments, and of their setting where the moments are equal: a heap,
// so that a simulation of days does not search all of them for each one. It knows no time.

export interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

export class TimerQueue {
  readonly #heap: Timer[] = [];
  #order = 0;
  #live = 0;

  /** How many are set and neither taken nor cancelled. */
  get size(): number {
    return this.#live;
  }

  add(at: number, callback: () => void): Timer {
    const timer: Timer = { at, order: this.#order++, callback, cancelled: false };
    this.#live++;
    this.#rise(timer);
    return timer;
  }

  /** Does nothing to one that was taken or cancelled before. */
  cancel(timer: Timer): void {
    if (timer.cancelled) return;
    timer.cancelled = true;
    this.#live--;
  }

  /** When the next one is due; undefined when there is none. */
  get next(): number | undefined {
    this.#dropCancelled();
    return this.#heap[0]?.at;
  }

  /** Takes the next one out if it is due at `end` or before. */
  take(end: number): Timer | undefined {
    this.#dropCancelled();
    const [next] = this.#heap;
    if (next === undefined || next.at > end) return undefined;
    this.#removeFirst();
    // Cancelling it from now on is nothing.
    this.cancel(next);
    return next;
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.cancelled === true) this.#removeFirst();
  }

  #rise(timer: Timer): void {
    const heap = this.#heap;
    let index = heap.length;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above]!;
      if (!before(timer, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = timer;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (let child = 1; child < heap.length; child = 2 * index + 1) {
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
