// Every probe between pods, accounted for: answered, lost, or answered by the wrong pod, on a path that was healthy
// or disturbed. Pure: fed with results and asked to judge those that are old enough.

import type { ProbeResult } from '../../src/lab/echo-probe.js';

export interface Tally {
  sent: number;
  lost: number;
}

/** Losses in a row on a healthy path. */
export interface Outage {
  readonly from: number;
  readonly to: number;
  readonly lost: number;
  /** The last probe before that was answered set out then, and the first one after; what lies between is not known to work. */
  readonly began: number;
  readonly ended: number;
}

export interface WrongAnswer {
  readonly from: number;
  readonly to: number;
  readonly at: number;
  readonly address: string;
  readonly answeredBy: string;
}

export interface ProbeJudge {
  /** Why a path may lose what set out then; undefined for a healthy one. */
  readonly excuse: (a: number, b: number, at: number) => string | undefined;
  readonly onOutage: (outage: Outage) => void;
  readonly onWrongAnswer: (answer: WrongAnswer) => void;
}

interface Path {
  readonly from: number;
  readonly to: number;
  waiting: ProbeResult[];
  /** When the last probe that was answered set out. */
  answered: number | undefined;
  losses: { readonly began: number; lost: number } | undefined;
  /** Whether the last answer on a healthy path was another pod's: a row of those is told once. */
  isWrong: boolean;
}

export class ProbeAccount {
  readonly healthy: Tally = { sent: 0, lost: 0 };
  readonly disturbed: Tally = { sent: 0, lost: 0 };
  readonly #judge: ProbeJudge;
  readonly #paths = new Map<string, Path>();
  readonly #names: readonly string[];
  #begin = 0;
  #longestOutageMs = 0;
  #slowestMs = 0;

  /** `names`: what the pod behind each host answers with. */
  constructor(names: readonly string[], judge: ProbeJudge) {
    this.#names = names;
    this.#judge = judge;
  }

  /** Of all healthy paths. */
  get longestOutageMs(): number {
    return this.#longestOutageMs;
  }

  /** The longest round trip on a healthy path. */
  get slowestMs(): number {
    return this.#slowestMs;
  }

  add(from: number, result: ProbeResult): void {
    const to = this.#names.indexOf(result.to);
    const name = `${from} ${to}`;
    const path = this.#paths.get(name) ?? {
      from,
      to,
      waiting: [],
      answered: undefined,
      losses: undefined,
      isWrong: false,
    };
    this.#paths.set(name, path);
    if (result.sentAt >= this.#begin) path.waiting.push(result);
  }

  /** When the last probe that was answered set out on each path; 0 for one that never had an answer. */
  lastAnswers(): readonly { readonly from: number; readonly to: number; readonly at: number }[] {
    return [...this.#paths.values()].map(({ from, to, waiting, answered }) => ({
      from,
      to,
      at: waiting.reduce(
        (last, { sentAt, answeredAt }) => (answeredAt === undefined ? last : Math.max(last, sentAt)),
        answered ?? 0,
      ),
    }));
  }

  /** What set out before this moment is not judged, whenever it is told of. */
  begin(at: number): void {
    this.#begin = at;
    for (const path of this.#paths.values()) path.waiting = path.waiting.filter(({ sentAt }) => sentAt >= at);
  }

  /** Judges what set out before `horizon`; all results from before it must have been added. */
  judge(horizon: number): void {
    for (const path of this.#paths.values()) {
      const ripe = path.waiting.filter(({ sentAt }) => sentAt < horizon).sort((a, b) => a.sentAt - b.sentAt);
      path.waiting = path.waiting.filter(({ sentAt }) => sentAt >= horizon);
      for (const result of ripe) this.#judgeOne(path, result);
    }
  }

  /** Judges all that is left. */
  finish(): void {
    this.judge(Infinity);
    for (const path of this.#paths.values()) this.#end(path, path.losses?.began ?? 0);
  }

  #judgeOne(path: Path, result: ProbeResult): void {
    const { from, to } = path;
    const isLost = result.answeredAt === undefined;
    const isExcused = this.#judge.excuse(from, to, result.sentAt) !== undefined;
    const tally = isExcused ? this.disturbed : this.healthy;
    tally.sent++;
    if (isLost) tally.lost++;
    if (isExcused || !isLost) this.#end(path, result.sentAt);
    else this.#lose(path, result.sentAt);
    if (isLost) return;
    path.answered = result.sentAt;
    if (isExcused) return;
    this.#slowestMs = Math.max(this.#slowestMs, (result.answeredAt ?? 0) - result.sentAt);
    const answeredBy = result.answeredBy ?? '';
    const wasWrong = path.isWrong;
    path.isWrong = answeredBy !== this.#names[to];
    if (path.isWrong && !wasWrong)
      this.#judge.onWrongAnswer({ from, to, at: result.sentAt, address: result.address, answeredBy });
  }

  #lose(path: Path, at: number): void {
    path.losses ??= { began: path.answered ?? at, lost: 0 };
    path.losses.lost++;
  }

  #end(path: Path, ended: number): void {
    const { from, to, losses } = path;
    if (losses === undefined) return;
    path.losses = undefined;
    const { began, lost } = losses;
    this.#longestOutageMs = Math.max(this.#longestOutageMs, ended - began);
    this.#judge.onOutage({ from, to, lost, began, ended });
  }
}
