// A fault as a user meets it: made on a host, named by /readyz, `flanneld status` and `flanneld doctor`, mended, and gone
// from all three. How long each of them takes is measured from the moment at which the fault stands.

import type { ExecutionContext } from 'ava';
import type { CheckedFinding, DoctorReport } from '../../src/doctor/report.js';
import type { Host } from '../../src/lab/host.js';
import { until } from '../../src/lab/until.js';
import { readHealth, type SeenHealth } from './health.js';
import { flanneldCommand } from './lab.js';

/** What is promised. */
const LIMIT_MS = 15_000;

export interface Fault {
  readonly title: string;
  /** Where it is looked for. */
  readonly host: Host;
  readonly inject: () => Promise<unknown>;
  readonly mend: () => Promise<unknown>;
  /** Reasons of health, any of which names it. */
  readonly reasons: readonly string[];
  readonly state: 'degraded' | 'not-ready';
  /** The check of the doctor that names it, in these words. */
  readonly check: string;
  readonly seen: RegExp;
  /** What the doctor says mends it. */
  readonly remedy: RegExp;
}

/** Seconds until each of the three said so, and until each had nothing of it to say any more. */
export interface Measured {
  readonly named: Readonly<Record<'readyz' | 'status' | 'doctor', number>>;
  readonly cleared: Readonly<Record<'readyz' | 'status' | 'doctor', number>>;
}

/** Runs the fault through; fails the test where one of the three is late. */
export async function suffer(t: ExecutionContext, fault: Fault): Promise<Measured> {
  await fault.inject();
  const named = await measure(fault, 'to name', {
    readyz: (health) => names(fault, health) && health.state === fault.state,
    status: (codes) => fault.reasons.some((code) => codes.includes(code)),
    doctor: (findings) =>
      findings.some((finding) => isIt(fault, finding) && fault.remedy.test(finding.remedy)),
  });
  await fault.mend();
  const cleared = await measure(fault, 'to be done with', {
    readyz: (health) => !names(fault, health) && health.state === 'ready' && health.status === 200,
    status: (codes) => !fault.reasons.some((code) => codes.includes(code)),
    doctor: (findings) => findings.length > 0 && !findings.some((finding) => isIt(fault, finding)),
  });
  const latest = Math.max(...Object.values(named), ...Object.values(cleared));
  t.true(latest <= LIMIT_MS / 1_000, `${fault.title}: ${latest} s`);
  t.log(`${fault.title}: named after ${secondsText(named)}; cleared after ${secondsText(cleared)}`);
  return { named, cleared };
}

interface Conditions {
  readonly readyz: (health: SeenHealth) => boolean;
  readonly status: (codes: readonly string[]) => boolean;
  readonly doctor: (findings: readonly CheckedFinding[]) => boolean;
}

async function measure(
  { host, title }: Fault,
  what: string,
  { readyz, status, doctor }: Conditions,
): Promise<Measured['named']> {
  const begun = performance.now();
  const wait = async <T>(
    who: string,
    look: () => Promise<T>,
    holds: (seen: T) => boolean,
  ): Promise<number> => {
    let last: T | undefined;
    await until(
      async () => {
        last = await look();
        return holds(last);
      },
      {
        what: `${who} ${what} "${title}"`,
        timeoutMs: LIMIT_MS,
        intervalMs: 100,
        state: () => troubles(last),
      },
    );
    return Math.round((performance.now() - begun) / 100) / 10;
  };
  const [one, two, three] = await Promise.all([
    wait('/readyz', () => readHealth(host), readyz),
    wait('status', () => statusCodes(host), status),
    wait('doctor', () => diagnose(host), doctor),
  ]);
  return { readyz: one, status: two, doctor: three };
}

/** Of findings, those that are none are left out: there are forty. */
function troubles(seen: unknown): unknown {
  if (!Array.isArray(seen)) return seen;
  return seen.filter(
    (part: unknown) => typeof part === 'string' || !/"status":"(ok|skip)"/.test(JSON.stringify(part)),
  );
}

function names({ reasons }: Fault, health: SeenHealth): boolean {
  return health.reasons.some(({ code }) => reasons.includes(code));
}

function isIt({ check, seen }: Fault, finding: CheckedFinding): boolean {
  return finding.check === check && ['warn', 'fail'].includes(finding.status) && seen.test(finding.seen);
}

/** Runs `flanneld …` on the host; its exit code is a result. */
export async function flanneld(
  host: Host,
  ...words: readonly string[]
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const [program, ...leading] = flanneldCommand();
  const { code, stdout, stderr } = await host.exec(program, [...leading, ...words]);
  return { code, out: stdout, err: stderr };
}

/** The findings of `flanneld doctor --json`. */
export async function diagnose(host: Host): Promise<readonly CheckedFinding[]> {
  const { out } = await flanneld(host, 'doctor', '--json');
  return (JSON.parse(out) as DoctorReport).findings;
}

/** The codes of all reasons in `flanneld status --json`. */
async function statusCodes(host: Host): Promise<readonly string[]> {
  const { out } = await flanneld(host, 'status', '--json');
  const { daemons } = JSON.parse(out) as {
    daemons: readonly { networks: readonly { reasons: readonly { code: string }[] }[] }[];
  };
  return daemons.flatMap(({ networks }) =>
    networks.flatMap(({ reasons }) => reasons.map(({ code }) => code)),
  );
}

function secondsText(seconds: Measured['named']): string {
  return `readyz ${seconds.readyz} s, status ${seconds.status} s, doctor ${seconds.doctor} s`;
}
