// Which engine carries out the traffic rules: nftables or iptables, and why, in words for the log.
// Pure; the probes are made by the caller.

import { RulesError } from '../rules.js';

/** What asking a tool gave: its version, or the error that says why it cannot be used. */
export type ToolProbe =
  { readonly usable: true; readonly version: string } | { readonly usable: false; readonly error: Error };

export interface ModeChoice {
  readonly mode: 'nftables' | 'iptables';
  readonly reason: string;
}

/**
 * `wanted` is EnableNFTables of the network config; undefined when it says nothing, then nftables where it can be
 * used. What the config names is used or refused, never replaced by the other.
 * @throws RulesError `tool-missing` or `tool-unusable`, with what to install.
 */
export function chooseMode(
  wanted: boolean | undefined,
  probes: { readonly nft: ToolProbe; readonly iptables: ToolProbe },
): ModeChoice {
  const { nft, iptables } = probes;
  if (wanted === true) {
    if (nft.usable)
      return { mode: 'nftables', reason: `the network config says so (nft ${nft.version} is there)` };
    throw unusable('the network config has "EnableNFTables": true', [nft]);
  }
  if (wanted === false) {
    if (iptables.usable)
      return {
        mode: 'iptables',
        reason: `the network config says so (iptables ${iptables.version} is there)`,
      };
    throw unusable('the network config has "EnableNFTables": false', [iptables]);
  }
  if (nft.usable) return { mode: 'nftables', reason: `nft ${nft.version} can be used` };
  if (iptables.usable)
    return {
      mode: 'iptables',
      reason: `nft cannot be used (${nft.error.message}), iptables ${iptables.version} can`,
    };
  throw unusable('the host has neither nft nor iptables that could be used', [nft, iptables]);
}

function unusable(situation: string, probes: readonly ToolProbe[]): RulesError {
  const errors = probes.flatMap((probe) => (probe.usable ? [] : [probe.error]));
  const missing = errors.every((error) => error instanceof RulesError && error.code === 'tool-missing');
  const why = errors.map(({ message }) => message).join('; ');
  return new RulesError(missing ? 'tool-missing' : 'tool-unusable', `${situation}: ${why}`, {
    cause: errors[0],
  });
}
