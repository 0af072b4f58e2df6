// Facts → report: every check is run, and what they found put together. Pure.

import { oneLine } from '../health/one-line.js';
import type { Check, Collected, Finding, FindingStatus } from './check.js';

export interface CheckedFinding extends Finding {
  /** The id of the check. */
  readonly check: string;
  readonly title: string;
}

export interface DoctorReport {
  /** The worst of the findings; those that were skipped do not count. */
  readonly state: Exclude<FindingStatus, 'skip'>;
  readonly counts: Readonly<Record<FindingStatus, number>>;
  readonly findings: readonly CheckedFinding[];
}

/** Text of others (daemon, etcd, tools) as one printable line. */
const LONGEST_TEXT = 1_000;

export function examine(checks: readonly Check[], collected: Collected): DoctorReport {
  const findings = checks.flatMap((check) =>
    runCheck(check, collected).map((finding) => ({ check: check.id, title: check.title, ...clean(finding) })),
  );
  const count = (wanted: FindingStatus): number => findings.filter(({ status }) => status === wanted).length;
  const counts = { ok: count('ok'), warn: count('warn'), fail: count('fail'), skip: count('skip') };
  const state = counts.fail > 0 ? 'fail' : counts.warn > 0 ? 'warn' : 'ok';
  return { state, counts, findings };
}

/** A daemon of another version may answer with something else than we know: that must not hide all other findings. */
function runCheck({ id, run }: Check, collected: Collected): readonly Finding[] {
  try {
    return run(collected);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const remedy = 'compare the versions of daemon and command: `flanneld -version`';
    return [
      { status: 'warn', seen: `the check ${id} could not make sense of what it saw: ${reason}`, remedy },
    ];
  }
}

function clean(finding: Finding): Finding {
  return {
    ...finding,
    seen: oneLine(finding.seen, LONGEST_TEXT),
    remedy: oneLine(finding.remedy, LONGEST_TEXT),
  };
}
