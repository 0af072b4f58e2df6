// One step of a history as a fast-check command: words that people read and replay, when it is possible, what it does.
// After every step the judge looks. Which steps there are is in the steps-*.ts files.

import fc from 'fast-check';
import type { SimCluster } from './sim-cluster.js';
import { hostIndex, sentence, type Sentence } from './words.js';

/** Does it, with what stands in the places. */
type Run = (cluster: SimCluster, ...words: string[]) => Promise<void> | void;
/** Whether it makes sense now. It must look at nothing but what earlier steps have set. */
type Possible = (situation: Situation, ...words: string[]) => boolean;

/** One row: what can happen. */
export interface StepKind {
  readonly words: string;
  /** How often, compared with the others. */
  readonly weight: number;
  readonly run: Run;
  readonly possible: Possible;
}

export function kind(words: string, weight: number, run: Run, possible: Possible = () => true): StepKind {
  return { words, weight, run, possible };
}

/** The model: what the steps so far have made of the cluster. */
export interface Situation {
  readonly hosts: readonly HostSituation[];
}

export interface HostSituation {
  /** Somebody wants the daemon to run. */
  running: boolean;
  asleep: boolean;
}

/** Throws when there is no such host. */
export function situationOf({ hosts }: Situation, name: string): HostSituation {
  const host = hosts[hostIndex(name) - 1];
  if (host === undefined) throw new RangeError(`there is no ${name}`);
  return host;
}

export class Step implements fc.AsyncCommand<Situation, SimCluster> {
  readonly #kind: StepKind;
  readonly #sentence: Sentence;
  readonly #words: readonly string[];

  constructor(of: StepKind, form: Sentence, words: readonly string[]) {
    this.#kind = of;
    this.#sentence = form;
    this.#words = words;
  }

  check(situation: Readonly<Situation>): boolean {
    const hosts = this.#words.filter((word) => /^host\d+$/.test(word));
    if (hosts.some((host) => hostIndex(host) > situation.hosts.length)) return false;
    return this.#kind.possible(situation, ...this.#words);
  }

  async run(_: Situation, cluster: SimCluster): Promise<void> {
    cluster.taken.push(this.toString());
    cluster.trace.say('step', this.toString());
    await this.#kind.run(cluster, ...this.#words);
    await cluster.pass(0);
    cluster.judge.check();
  }

  toString(): string {
    return this.#sentence.textWith(this.#words);
  }
}

/** What fast-check draws steps of these kinds from. */
export function stepsOf(kinds: readonly StepKind[]): fc.Arbitrary<Step> {
  return fc.oneof(
    ...kinds.map((one) => {
      const form = sentence(one.words);
      return { weight: one.weight, arbitrary: form.drawn.map((words) => new Step(one, form, words)) };
    }),
  );
}

/** The step a text names; throws when there is none. */
export function parseStep(kinds: readonly StepKind[], text: string): Step {
  for (const one of kinds) {
    const form = sentence(one.words);
    const words = form.read(text);
    if (words !== undefined) return new Step(one, form, words);
  }
  throw new RangeError(`no step: ${text}`);
}
