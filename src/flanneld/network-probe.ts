// Ties a running network to the mesh probe: who its peers are, and what becomes of the results: health, events, log lines.
// Probing is src/probe; the words are probe-health.ts.

import type { Tell } from '../api/events.js';
import type { Cancel } from '../clock.js';
import type { PeerProbe, ProbeChange } from '../probe/probe.js';
import type { Prober } from '../probe/prober.js';
import type { ProbeTarget } from '../probe/target.js';
import { LineBudget } from '../subnet/line-budget.js';
import type { Running } from './live-networks.js';
import type { NetworkRun } from './network-run.js';
import { changeText, PROBE_REASONS, probeReasons } from './probe-health.js';
import { probeTargets, type NodeHashes } from './probe-targets.js';

/** The daemon's prober, and who hears of peers. */
export interface PeerProbing {
  readonly prober: Pick<Prober, 'setTargets' | 'report' | 'reaches' | 'onChange' | 'state'>;
  readonly tell: Tell;
}

/** How often it is looked whether leases or routes have changed; comparing three references costs nothing. */
const LOOK_MS = 1_000;
/** Many peers change at once: health is put together for all of them, */
const GATHER_MS = 100;
/** and the more there are the more rarely, since all of them are looked at for it. */
const GAP_MS_PER_PEER = 1;

/** Probes the network's peers until the run's end; does nothing where there is no prober. */
export function probePeers(run: NetworkRun, running: Pick<Running, 'peers' | 'hold' | 'reconciler'>): void {
  const { probe } = run.parts;
  if (probe === undefined || probe.prober.state.state !== 'on') return;
  const probed = new ProbedNetwork(run, running, probe);
  run.stops.add('peer probe', () => {
    probed.stop();
  });
}

class ProbedNetwork {
  readonly #run: NetworkRun;
  readonly #running: Pick<Running, 'peers' | 'hold' | 'reconciler'>;
  readonly #probing: PeerProbing;
  readonly #budget = new LineBudget();
  readonly #hashes: NodeHashes = new WeakMap();
  readonly #unlisten: () => void;
  #seen: readonly unknown[] = [];
  #targets: ReadonlyMap<string, ProbeTarget> = new Map();
  #cancelLook: Cancel = () => undefined;
  #cancelJudge: Cancel | undefined;
  #judgedAt = -Infinity;

  constructor(
    run: NetworkRun,
    running: Pick<Running, 'peers' | 'hold' | 'reconciler'>,
    probing: PeerProbing,
  ) {
    this.#run = run;
    this.#running = running;
    this.#probing = probing;
    this.#unlisten = probing.prober.onChange((change) => {
      this.#changed(change);
    });
    this.#look();
  }

  /** What the health says of peers is not known any more. */
  stop(): void {
    this.#unlisten();
    this.#cancelLook();
    this.#cancelJudge?.();
    this.#probing.prober.setTargets(this.#run.options.name, new Map());
    for (const reason of PROBE_REASONS) this.#run.parts.health.clear(reason);
  }

  #look(): void {
    // The socket has failed: what was known is old, and is not said any more.
    if (this.#probing.prober.state.state !== 'on') {
      this.stop();
      return;
    }
    const { peers, hold, reconciler } = this.#running;
    const { setup, leases } = peers;
    const { wanted } = reconciler;
    const seen = [setup, leases, wanted];
    if (leases !== undefined && seen.some((fact, index) => fact !== this.#seen[index])) {
      this.#seen = seen;
      const facts = { setup, own: hold.record, leases, wanted };
      this.#targets = probeTargets(facts, this.#hashes, this.#targets);
      this.#probing.prober.setTargets(this.#run.options.name, this.#targets);
      this.#judgeSoon();
    }
    this.#cancelLook = this.#run.parts.clock.after(LOOK_MS, () => {
      this.#look();
    });
  }

  #changed({ network, key, probe, former }: ProbeChange): void {
    const { name } = this.#run.options;
    const target = this.#targets.get(key);
    if (network !== name || target === undefined) return;
    this.#judgeSoon();
    // A peer that answers from the start is no news.
    if (former !== 'unknown' || probe.verdict !== 'reachable') this.#tell(key, target, probe);
    else this.#run.parts.logger.debug('peer answers', { peer: key, publicIp: target.publicIp });
  }

  #tell(key: string, target: ProbeTarget, probe: PeerProbe): void {
    const { logger, clock } = this.#run.parts;
    const text = changeText(key, target, probe, this.#port);
    this.#probing.tell({ type: 'peer', network: this.#run.options.name, text });
    const fields = { peer: key, publicIp: target.publicIp, state: probe.verdict, reason: text };
    const budget = this.#budget.spend(clock.monotonic());
    if (budget === 'line') logger.info('peer has changed', fields);
    if (budget === 'last') logger.info('more peers have changed', fields);
  }

  get #port(): number | undefined {
    return this.#running.peers.setup.backend.tunnel?.port;
  }

  #judgeSoon(): void {
    if (this.#cancelJudge !== undefined) return;
    const { clock } = this.#run.parts;
    const due = this.#judgedAt + this.#targets.size * GAP_MS_PER_PEER;
    this.#cancelJudge = clock.after(Math.max(GATHER_MS, due - clock.monotonic()), () => {
      this.#cancelJudge = undefined;
      this.#judge();
    });
  }

  #judge(): void {
    const { clock, health } = this.#run.parts;
    this.#judgedAt = clock.monotonic();
    const { prober } = this.#probing;
    const { name } = this.#run.options;
    const [troubles, reaches] = [prober.report(name, 'troubled'), prober.reaches(name)];
    const reasons = probeReasons({ targets: this.#targets, troubles, reaches, port: this.#port });
    for (const reason of PROBE_REASONS) {
      const text = reasons.get(reason);
      if (text === undefined) health.clear(reason);
      else health.set(reason, text);
    }
  }
}
