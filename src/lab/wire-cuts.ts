// Cuts between stations of the wire, made in the wire itself: frames from one port to another are dropped by the
// bridge, so the stations' own rules, routes and links know nothing of it. What goes to or from the wire's own
// address is never cut.

import type { Namespace } from './namespace.js';

const TABLE = 'bridge lab_cuts';
const SET_UP = `table ${TABLE} {
  set cut { type ifname . ifname; }
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifname . oifname @cut drop
  }
}
`;

/** Two stations by name; what is cut is cut in both directions. */
type Pair = readonly [string, string];

export class WireCuts {
  readonly #wire: Namespace;
  readonly #cuts = new Map<string, Pair>();
  #work: Promise<void> = Promise.resolve();
  #ready = false;

  constructor(wire: Namespace) {
    this.#wire = wire;
  }

  /** Cuts each pair; one that is cut already stays so. */
  cut(pairs: readonly Pair[]): Promise<void> {
    return this.#change('add', pairs, (key) => !this.#cuts.has(key));
  }

  /** Mends each pair; one that is whole already stays so. */
  heal(pairs: readonly Pair[]): Promise<void> {
    return this.#change('delete', pairs, (key) => this.#cuts.has(key));
  }

  healAll(): Promise<void> {
    return this.heal([...this.#cuts.values()]);
  }

  /** One change after another, each a transaction of nft. */
  #change(verb: 'add' | 'delete', pairs: readonly Pair[], applies: (key: string) => boolean): Promise<void> {
    const done = this.#work.then(async () => {
      const changed = new Map(pairs.map((pair) => [keyOf(pair), pair])).entries();
      const wanted = [...changed].filter(([key]) => applies(key));
      if (wanted.length === 0) return;
      const elements = wanted.flatMap(([, [a, b]]) => [`"${a}" . "${b}"`, `"${b}" . "${a}"`]);
      const input = `${this.#ready ? '' : SET_UP}${verb} element ${TABLE} cut { ${elements.join(', ')} }\n`;
      await this.#wire.must('nft', ['-f', '-'], { input });
      this.#ready = true;
      for (const [key, pair] of wanted) {
        if (verb === 'add') this.#cuts.set(key, pair);
        else this.#cuts.delete(key);
      }
    });
    this.#work = done.catch(() => undefined);
    return done;
  }
}

function keyOf([a, b]: Pair): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
