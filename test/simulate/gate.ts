// What a daemon hears of the world comes through a gate: not while its host is suspended, and never after its death.
// That is how a SIGKILL in the middle of anything looks from inside: nothing it waits for ever happens.

import type { HostClock } from './host-clock.js';

/** Told of every answer that reaches the daemon; `askedAt` is when the call was made. */
export type Overhear = (call: string, args: readonly unknown[], answer: unknown, askedAt: number) => void;

export class Gate {
  readonly #clock: HostClock;
  #open = true;

  constructor(clock: HostClock) {
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** From now on nothing gets through. */
  close(): void {
    this.#open = false;
  }

  /** Runs it when the daemon can hear it. */
  pass(action: () => void): void {
    if (!this.#open) return;
    if (!this.#clock.isAsleep) action();
    else
      this.#clock.whenAwake(() => {
        if (this.#open) action();
      });
  }

  /** `target` as the daemon sees it: its promises, and the callbacks it is given, come through the gate. */
  through<T extends object>(target: T, overhear?: Overhear): T {
    const known = new Map<PropertyKey, unknown>();
    return new Proxy(target, {
      get: (_, name) => {
        if (known.has(name)) return known.get(name);
        const value: unknown = Reflect.get(target, name, target);
        const seen =
          typeof value === 'function'
            ? this.#method(target, String(name), value as Method, overhear)
            : typeof value === 'object' && value !== null
              ? this.through(value, overhear)
              : value;
        known.set(name, seen);
        return seen;
      },
    });
  }

  #method(target: object, name: string, method: Method, overhear: Overhear | undefined): Method {
    return (...args) => {
      // A daemon that is dead may still be in the middle of its own thoughts: it reaches nobody any more.
      if (!this.#open) return new Promise(() => undefined);
      const askedAt = this.#clock.boottime();
      const result = method.apply(
        target,
        args.map((arg) => this.#callback(arg)),
      );
      if (!(result instanceof Promise)) return result;
      return new Promise((resolve, reject) => {
        result.then(
          (answer: unknown) => {
            this.pass(() => {
              overhear?.(name, args, answer, askedAt);
              resolve(answer);
            });
          },
          (error: unknown) => {
            this.pass(() => {
              reject(error instanceof Error ? error : new Error(String(error)));
            });
          },
        );
      });
    };
  }

  /** A function, or an object of functions, that is called later on. */
  #callback(arg: unknown): unknown {
    if (typeof arg === 'function') {
      return (...values: unknown[]) => {
        this.pass(() => void (arg as Method)(...values));
      };
    }
    if (typeof arg !== 'object' || arg === null || arg instanceof AbortSignal) return arg;
    const entries = Object.entries(arg);
    if (!entries.some(([, value]) => typeof value === 'function')) return arg;
    return Object.fromEntries(entries.map(([name, value]) => [name, this.#callback(value)]));
  }
}

type Method = (...args: unknown[]) => unknown;
