// A network's config that changes while the network runs: what can be taken over is, what would cut pods off is refused
// and told, and what was asked for expressly begins anew. Which is which is subnet/config-change.ts and the backend's.

import { abortable } from '../subnet/retry.js';
import { compareConfigs, type ConfigChange, type OptionChange } from '../subnet/config-change.js';
import { ConfigError } from '../subnet/errors.js';
import type { LeaseHold } from '../subnet/lease-hold.js';
import { parseNetworkConfig, type NetworkConfig } from '../subnet/network-config.js';
import type { ConfigText } from '../subnet/registry.js';
import { NetworkRestart } from './errors.js';
import type { Begun } from './network-begin.js';
import { writeEnv } from './network-env.js';
import type { NetworkPeers } from './network-peers.js';
import { masqueradeInForce } from './network-rules.js';
import { envContents, masquerades, type NetworkRun } from './network-run.js';
import { backendOf } from './network-setup.js';
import type { TrafficRules } from './traffic-rules.js';

/** What a running network is made of. */
export interface LiveNetwork {
  readonly begun: Begun;
  readonly peers: NetworkPeers;
  readonly hold: LeaseHold;
  readonly rules: TrafficRules | undefined;
}

/** Follows the config until the run's end; changes are carried out one after the other, the newest last. */
export function followConfig(run: NetworkRun, live: LiveNetwork): void {
  const { parts, stops, end, fail } = run;
  let last: Promise<void> = Promise.resolve();
  const stop = parts.configs?.follow((stored) => {
    last = last
      .then(() => (end.aborted ? undefined : change(run, live, stored)))
      .catch((error: unknown) => {
        if (!end.aborted) fail(error instanceof Error ? error : new Error(String(error)));
      });
  });
  if (stop !== undefined) stops.add('config', stop);
}

async function change(run: NetworkRun, live: LiveNetwork, stored: ConfigText): Promise<void> {
  const { parts, fail } = run;
  const { peers } = live;
  const before = peers.setup;
  // What was written before the config we run by was told late.
  if (stored.text === before.stored.text) {
    peers.confirm(stored);
    parts.health.clear('config-refused');
    return;
  }
  const revision = String(stored.modRevision);
  const judged = judge(run, before.config, stored);
  if (judged.config === undefined || judged.change.kind === 'refused') {
    refuse(run, judged.change.what, revision);
    return;
  }
  parts.health.clear('config-refused');
  const { kind, what } = judged.change;
  if (kind === 'anew') {
    fail(new NetworkRestart(`the config asks for it: ${what.join(', ')}`));
    return;
  }
  if (kind === 'same') peers.confirm(stored);
  else await apply(run, live, stored, judged.config);
  parts.logger.info('the network config has changed', {
    revision,
    reason: kind === 'same' ? 'nothing that makes a difference' : what.join(', '),
  });
}

function judge(
  { parts }: NetworkRun,
  before: NetworkConfig,
  { text }: ConfigText,
): { readonly config?: NetworkConfig; readonly change: ConfigChange } {
  const options = (was: NetworkConfig, is: NetworkConfig): OptionChange =>
    backendOf(parts.backends, is.backend.type).compare(was.backend.options, is.backend.options);
  try {
    const config = parseNetworkConfig(text);
    backendOf(parts.backends, config.backend.type);
    return { config, change: compareConfigs(before, config, options) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { change: { kind: 'refused', what: [error.message] } };
  }
}

/** The network goes on as before; `status`, health and log say why. */
function refuse({ parts }: NetworkRun, reasons: readonly string[], revision: string): void {
  const reason = reasons.join('; ');
  parts.counters.increment('configsRefused');
  parts.health.set('config-refused', reason);
  parts.logger.warn('the changed network config is refused, the network goes on as it was', {
    revision,
    reason,
  });
}

async function apply(
  run: NetworkRun,
  { begun: { own }, peers, hold, rules }: LiveNetwork,
  stored: ConfigText,
  config: NetworkConfig,
): Promise<void> {
  const { parts, options, end, fail } = run;
  const before = peers.setup;
  const masquerade = masquerades(options, { config });
  if (masquerade !== masquerades(options, before)) {
    if (rules === undefined) {
      // There was no tool for rules when the network began; another beginning waits for one.
      fail(new NetworkRestart('masquerading is another matter now, and there were no tools for it'));
      return;
    }
    // Before the env file says so, and before plugins stop to masquerade by themselves.
    await abortable(rules.setMasquerade(masquerade), end);
    await masqueradeInForce(parts, rules, masquerade, end);
  }
  try {
    await abortable(peers.reconfigure(stored, config), end);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    refuse(run, [error.message], String(stored.modRevision));
    return;
  }
  const { setup } = peers;
  parts.places.update(options.name, { isolated: config.isolated });
  hold.update(setup.backend.attributes(hold.record));
  await writeEnv(parts, options, envContents(options, setup, own), end);
}
