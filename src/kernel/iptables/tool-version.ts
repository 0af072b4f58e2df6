// Which iptables this is: its version, and which of its two kernel interfaces it speaks.
// It asks the tool once; who asks again after a failure is the caller.

import type { Family } from '../../subnet/cidr.js';
import { RulesError } from '../rules.js';
import { installHint, type ToolRunner } from '../tool.js';

/** `nft`: rules live in nf_tables, which announces changes. `legacy`: xtables, which does not. */
type IptablesVariant = 'nft' | 'legacy';

export interface IptablesVersion {
  /** `1.8.9` */
  readonly version: string;
  readonly variant: IptablesVariant;
  /** Since 1.6.2: `--random-fully` of MASQUERADE. */
  readonly randomFully: boolean;
  /** Since 1.6.2: iptables-restore waits for the xtables lock (`--wait`). */
  readonly wait: boolean;
  /** No event will tell that somebody changed a rule: the caller has to look from time to time. */
  readonly needsPolling: boolean;
}

/** Since 1.4.11 listings are written the way they are read here (`! -s` before the option). */
const OLDEST = [1, 4, 11] as const;
const RANDOM_FULLY = [1, 6, 2] as const;

/** iptables or ip6tables; with `-save` and `-restore` the names of its companions. */
export function iptablesCommand(family: Family): 'iptables' | 'ip6tables' {
  return family === 4 ? 'iptables' : 'ip6tables';
}

/** Reads `iptables v1.8.9 (nf_tables)`; undefined when it is nothing of the kind. Before 1.8 there was legacy only. */
export function parseVersion(text: string): IptablesVersion | undefined {
  const found = /^ip6?tables\S* v(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?: \((nf_tables|legacy)\))?\s*$/.exec(
    text.split('\n')[0] ?? '',
  );
  if (found === null) return undefined;
  const [, major = '', minor = '', patch = '0', variant] = found;
  const numbers = [major, minor, patch].map(Number);
  const modern = atLeast(numbers, RANDOM_FULLY);
  return {
    version: numbers.join('.'),
    variant: variant === 'nf_tables' ? 'nft' : 'legacy',
    randomFully: modern,
    wait: modern,
    needsPolling: variant !== 'nf_tables',
  };
}

/** Asks the tool. Rejects with RulesError: `tool-missing`, `tool-unusable`, or whatever the runner says. */
export async function probeIptables(
  runner: Pick<ToolRunner, 'run'>,
  family: Family,
): Promise<IptablesVersion> {
  const command = iptablesCommand(family);
  const { code, stdout, stderr } = await runner.run(command, ['--version']);
  const version = code === 0 ? parseVersion(stdout) : undefined;
  if (version === undefined) {
    const said = `${stdout} ${stderr}`.trim().slice(0, 200);
    throw new RulesError(
      'tool-unusable',
      `\`${command} --version\` answers ${JSON.stringify(said)} (exit code ${code}), which is no version of iptables; ${installHint(command)}`,
    );
  }
  if (atLeast(version.version.split('.').map(Number), OLDEST)) return version;
  throw new RulesError(
    'tool-unusable',
    `${command} ${version.version} is too old, ${OLDEST.join('.')} is needed; ${installHint(command)}`,
  );
}

function atLeast(numbers: readonly number[], least: readonly number[]): boolean {
  for (const [index, wanted] of least.entries()) {
    const number = numbers[index] ?? 0;
    if (number !== wanted) return number > wanted;
  }
  return true;
}
