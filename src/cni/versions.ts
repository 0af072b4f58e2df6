// The versions of the CNI specification that we speak, and which of them have which command. Pure.

import { CniError } from './errors.js';

export const SUPPORTED_VERSIONS = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;
export const NEWEST_VERSION = '1.1.0';

/** The first version that has the command; all have those that are not here. */
const SINCE: Readonly<Record<string, string>> = { CHECK: '0.4.0', GC: '1.1.0', STATUS: '1.1.0' };

/** The config's version, whose absence means the oldest. Throws CniError for one we do not speak. */
export function checkVersion(cniVersion: string, command: string): void {
  const version = cniVersion === '' ? '0.1.0' : cniVersion;
  const index = (SUPPORTED_VERSIONS as readonly string[]).indexOf(version);
  if (index < 0) {
    const ours = SUPPORTED_VERSIONS.map((text) => JSON.stringify(text)).join(' ');
    throw new CniError(
      'incompatible-version',
      'incompatible CNI versions',
      `config is ${JSON.stringify(version)}, plugin supports [${ours}]`,
    );
  }
  const since = SINCE[command];
  if (since !== undefined && index < (SUPPORTED_VERSIONS as readonly string[]).indexOf(since)) {
    throw new CniError(
      'incompatible-version',
      `config version does not allow ${command}`,
      `it is ${version}, and ${command} came with ${since}`,
    );
  }
}

/** What VERSION prints. */
export function versionResult(): string {
  return `${JSON.stringify({ cniVersion: NEWEST_VERSION, supportedVersions: SUPPORTED_VERSIONS })}\n`;
}
