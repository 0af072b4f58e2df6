// Histories that once broke an invariant, as fast-check shrunk them. Each is lived through in regressions.test.ts.

export interface Regression {
  /** What went wrong, in a sentence. */
  readonly title: string;
  readonly history: string;
}

export const REGRESSIONS: readonly Regression[] = [];
