// How things stand as far as the lab itself knows: which daemons run, which links are up, who can reach a majority of
// etcd. From it follows who can be expected to repair something, and who cannot have kept its lease alive. Pure:
// told of every change, never looks.

type DaemonState = 'runs' | 'frozen' | 'gone';
/** `starts`: it may answer already; `up`: it does. */
type MemberState = 'up' | 'starts' | 'away';

interface HostFacts {
  daemon: DaemonState;
  /** Whether this life of the daemon has written its subnet file. */
  ready: boolean;
  link: boolean;
  readonly cutOff: Set<number>;
  /** When it may have been in contact with the store, newest last; `until` is open while it may be. */
  readonly contacts: { readonly from: number; until: number | undefined }[];
}

export class Conditions {
  readonly #now: () => number;
  readonly #hosts: readonly HostFacts[];
  readonly #members: { state: MemberState; split: boolean }[];

  constructor(hosts: number, members: number, now: () => number) {
    this.#now = now;
    this.#members = Array.from({ length: members }, () => ({ state: 'up', split: false }));
    this.#hosts = Array.from({ length: hosts }, () => ({
      ...{ daemon: 'gone' as const, ready: false, link: true, cutOff: new Set<number>() },
      contacts: [],
    }));
  }

  daemon(host: number, state: DaemonState): void {
    this.#change(() => {
      this.#facts(host).daemon = state;
      if (state === 'gone') this.#facts(host).ready = false;
    });
  }

  ready(host: number): void {
    this.#facts(host).ready = true;
  }

  link(host: number, up: boolean): void {
    this.#change(() => {
      this.#facts(host).link = up;
    });
  }

  cutOff(host: number, members: readonly number[], cut: boolean): void {
    this.#change(() => {
      for (const member of members) {
        if (cut) this.#facts(host).cutOff.add(member);
        else this.#facts(host).cutOff.delete(member);
      }
    });
  }

  member(index: number, state: MemberState): void {
    this.#change(() => {
      const member = this.#members[index];
      if (member !== undefined) member.state = state;
    });
  }

  split(index: number, split: boolean): void {
    this.#change(() => {
      const member = this.#members[index];
      if (member !== undefined) member.split = split;
    });
  }

  isUp(host: number): boolean {
    return this.#facts(host).link;
  }

  runs(host: number): boolean {
    return this.#facts(host).daemon === 'runs';
  }

  /** Whether its daemon can put right what somebody has changed in its kernel: it knows what is wanted, with or without the store. */
  mends(host: number): boolean {
    const { daemon, ready, link } = this.#facts(host);
    return daemon === 'runs' && ready && link;
  }

  /** Whether its daemon also hears what changes in the store. */
  able(host: number): boolean {
    return this.mends(host) && this.#reaches(host, ['up']);
  }

  /** When its daemon may have been in contact with the store last: now, if it may be; -Infinity for never. */
  lastContact(host: number): number {
    const last = this.#facts(host).contacts.at(-1);
    return last === undefined ? -Infinity : (last.until ?? this.#now());
  }

  /** The longest time between these two moments that its daemon may have been in contact with the store without a break. */
  longestContact(host: number, from: number, to: number): number {
    const lengths = this.#facts(host).contacts.map(
      (contact) => Math.min(to, contact.until ?? to) - Math.max(from, contact.from),
    );
    return Math.max(0, ...lengths);
  }

  /** Whether etcd has a majority of members that answer. */
  storeServes(): boolean {
    return this.#majority(['up']).length > 0;
  }

  #reaches(host: number, states: readonly MemberState[]): boolean {
    const { cutOff } = this.#facts(host);
    return this.#majority(states).some((index) => !cutOff.has(index));
  }

  /** The members in one of these states that see each other, if they are a majority. */
  #majority(states: readonly MemberState[]): readonly number[] {
    const together = [...this.#members.keys()].filter((index) => {
      const member = this.#members[index];
      return member?.split === false && states.includes(member.state);
    });
    return together.length > this.#members.length / 2 ? together : [];
  }

  #change(apply: () => void): void {
    const now = this.#now();
    apply();
    for (const [host, facts] of this.#hosts.entries()) {
      const last = facts.contacts.at(-1);
      const had = last !== undefined && last.until === undefined;
      const has = facts.daemon === 'runs' && facts.link && this.#reaches(host, ['up', 'starts']);
      if (had && !has) last.until = now;
      if (has && !had) facts.contacts.push({ from: now, until: undefined });
    }
  }

  #facts(host: number): HostFacts {
    const facts = this.#hosts[host];
    if (facts === undefined) throw new RangeError(`there is no host ${host}`);
    return facts;
  }
}
