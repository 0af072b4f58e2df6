// What a simulation fails with.

/** An invariant that does not hold: which, and what was seen instead. */
export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, seen: string) {
    super(`${invariant}: ${seen}`);
    this.name = 'Violation';
    this.invariant = invariant;
  }
}
