// How often nft and iptables are run for the rules of many networks in one daemon: at the start, at rest, and when
// somebody else changes rules. Usage: node dist/bench/rules.js [networks]; needs root. Prints a line a measurement.

import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../src/clock.js';
import { Counters } from '../src/counters.js';
import { openTrafficRules, probeTools, type TrafficRules } from '../src/flanneld/traffic-rules.js';
import { HostRules } from '../src/kernel/host-rules.js';
import { ToolRunner } from '../src/kernel/tool.js';
import { cidr, ip } from '../src/subnet/cidr.js';
import { FakeKernel } from '../test/fakes/fake-kernel.js';
import { Netns } from '../test/helpers/netns.js';
import { RecordingLogger } from '../test/helpers/recording-logger.js';

type Mode = 'nftables' | 'iptables';

const WISHES = {
  ipMasq: true,
  fullyRandom: true,
  forward: true,
  filter: 'on',
  resyncSeconds: 5,
} as const;

class Bench {
  readonly #netns: Netns;
  readonly #runner: ToolRunner;
  readonly #host: HostRules;
  readonly #parts = { clock: systemClock, logger: new RecordingLogger(), counters: new Counters() };
  readonly #log: string[] = [];
  readonly #rules: TrafficRules[] = [];

  constructor(netns: Netns) {
    this.#netns = netns;
    this.#runner = new ToolRunner({
      ...this.#parts,
      wrap: ['nsenter', `--net=${netns.path}`],
      onSpawn: (command, args) => this.#log.push(`${command} ${args.slice(0, 3).join(' ')}`),
    });
    this.#host = new HostRules({ ...this.#parts, runner: this.#runner, netns: netns.path });
  }

  async start(networks: number, mode: Mode): Promise<void> {
    const kernel = new FakeKernel();
    await Promise.all(
      Array.from({ length: networks }, async (_, at) => {
        const network = `n${at}`;
        const range = cidr(`10.${at}.0.0/16`);
        const tools = this.#host.tools(network, [range]);
        const wanted = {
          ...{ network, family: 4 as const, range, subnet: cidr(`10.${at}.1.0/24`) },
          tunnel: { device: `flannel.${at + 1}`, port: 8472, vni: at + 1 },
        };
        const rules = await openTrafficRules(
          { ...this.#parts, kernel, tools },
          { wishes: WISHES, enableNFTables: mode === 'nftables', wanted },
          probeTools(tools, 4),
        );
        if (rules === undefined) throw new Error('no tool can be used here');
        this.#rules.push(rules);
        rules.keeper.start();
        await rules.keeper.admit(new Set([ip('192.168.50.2'), ip('192.168.50.3')]));
        await rules.cleanUp();
      }),
    );
  }

  /** One more peer in the first network. */
  async admit(): Promise<void> {
    await this.#rules[0]?.keeper.admit(new Set([ip('192.168.50.4')]));
  }

  async sh(line: string): Promise<void> {
    await this.#netns.exec('env', 'PATH=/usr/sbin:/sbin:/usr/bin:/bin', ...line.split(' '));
  }

  /** Runs the action, waits until no tool has been started for half a second, and says how many were. */
  async measure(what: string, action: () => Promise<unknown>): Promise<void> {
    this.#log.length = 0;
    const start = performance.now();
    await action();
    const wall = performance.now() - start;
    for (let seen = -1; seen !== this.#log.length;) {
      seen = this.#log.length;
      await sleep(500);
    }
    const by = (word: string): number => this.#log.filter((line) => line.startsWith(word)).length;
    console.log(
      `${what.padEnd(44)} ${String(this.#log.length).padStart(6)} spawns (nft ${by('nft')}, iptables ${by('iptables')}), ${wall.toFixed(0)} ms`,
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.#rules.map(({ keeper }) => keeper.stop()));
    await this.#host.isolation.stop();
  }
}

async function run(networks: number, mode: Mode, drops: boolean): Promise<void> {
  console.log(`${networks} networks, ${mode} mode, FORWARD ${drops ? 'drops' : 'accepts'}`);
  const netns = await Netns.create();
  const bench = new Bench(netns);
  if (drops) await bench.sh('iptables -P FORWARD DROP');
  else await bench.sh('iptables -A FORWARD -p tcp -j ACCEPT');
  try {
    await bench.measure('  start', () => bench.start(networks, mode));
    await bench.measure('  one peer more in one network', () => bench.admit());
    await bench.measure('  a rule of others in FORWARD', () =>
      bench.sh('iptables -A FORWARD -p udp -j ACCEPT'),
    );
    await bench.measure('  a rule of others in POSTROUTING', () =>
      bench.sh('iptables -t nat -A POSTROUTING -p udp -j ACCEPT'),
    );
    await bench.measure('  a peer taken out of one network by others', () =>
      bench.sh('nft delete element ip flannel-n1 peers { 192.168.50.2 }'),
    );
  } finally {
    await bench.stop();
    await netns.close();
  }
}

const networks = Number(process.argv[2] ?? 100);
for (const mode of ['nftables', 'iptables'] as const) {
  await run(networks, mode, false);
  await run(networks, mode, true);
}
