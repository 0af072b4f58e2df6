// What the metrics tell of one network beyond what the API shows: numbers by kind. Types alone; who knows them counts.

export type Numbers = Readonly<Record<string, number>>;

export interface NetworkNumbers {
  /** Kernel objects by kind: wanted, there, not as wanted, put right. */
  readonly wanted: Numbers;
  readonly own: Numbers;
  readonly problems: Numbers;
  readonly repairs: Numbers;
  /** The packet engine's counters by name; absent where the kernel carries the packets. */
  readonly dataplane?: Numbers;
}
