// What a check of the doctor is: a row that names the facts it needs and a pure function from them to findings.
// The rows are checks-*.ts, the table of all checks.ts; how facts are gathered is not known here.

import type { FactName, Facts } from './facts.js';

/** `skip`: nothing can be said, for the reason in `seen`. */
export type FindingStatus = 'ok' | 'warn' | 'fail' | 'skip';

export interface Finding {
  readonly status: FindingStatus;
  /** Absent for what concerns the host. */
  readonly network?: string;
  /** What was seen, with its values; for `skip` why nothing was. One line. */
  readonly seen: string;
  /** What mends it, commands in backticks; empty for `ok`. */
  readonly remedy: string;
}

/** A fact that was gathered, or why it was not. */
export type Gathered<T> =
  { readonly known: true; readonly value: T } | { readonly known: false; readonly why: string };

export type Collected = { readonly [Name in FactName]: Gathered<Facts[Name]> };

export interface Check {
  /** Read by programs; does not change. */
  readonly id: string;
  readonly title: string;
  /** For docs/doctor.md: what is compared with what. */
  readonly looksAt: string;
  readonly needs: readonly FactName[];
  /** One finding at least. Where a needed fact is missing, it is skipped with that reason. */
  readonly run: (collected: Collected) => readonly Finding[];
}

interface Row<Name extends FactName> {
  readonly id: string;
  readonly title: string;
  readonly looksAt: string;
  readonly needs: readonly Name[];
  /** Pure. No finding stands for "nothing to look at". */
  readonly judge: (facts: Pick<Facts, Name>) => readonly Finding[];
}

export function check<Name extends FactName>({ judge, ...row }: Row<Name>): Check {
  return {
    ...row,
    run: (collected) => {
      const missing = row.needs.map((name) => collected[name]).find(({ known }) => !known);
      if (missing?.known === false) return [skip(missing.why)];
      const values = row.needs.flatMap((name) => {
        const fact = collected[name];
        return fact.known ? [[name, fact.value] as const] : [];
      });
      const findings = judge(Object.fromEntries(values) as Pick<Facts, Name>);
      return findings.length > 0 ? findings : [skip(nothingToSee(row.needs, collected))];
    },
  };
}

/** Without a daemon, that is why. */
function nothingToSee(needs: readonly FactName[], { daemons }: Collected): string {
  if (!needs.includes('daemons') || !daemons.known || daemons.value.answering.length > 0)
    return 'there is nothing to look at yet';
  return daemons.value.refused.length > 0 ? 'the daemon cannot be asked' : 'no daemon answers';
}

const finding =
  (status: FindingStatus) =>
  (seen: string, remedy = '', network?: string): Finding => ({
    status,
    ...(network === undefined ? {} : { network }),
    seen,
    remedy,
  });

export const warn = finding('warn');
export const fail = finding('fail');
export const ok = (seen: string, network?: string): Finding => finding('ok')(seen, '', network);
export const skip = (seen: string, network?: string): Finding => finding('skip')(seen, '', network);
