// Env files in memory: what a host's /run holds, as far as a network sees it. They outlive the network, not the boot.

import { parseSubnetEnv, type EnvFiles, type PreviousEnv } from '../../src/flanneld/subnet-env.js';

export class FakeEnvFiles implements EnvFiles {
  readonly #texts = new Map<string, string>();
  /** The files beside which another name was asked for. */
  readonly aliases: string[] = [];
  #failures: string[] = [];

  /** The text of a file; undefined when there is none. */
  text(path: string): string | undefined {
    return this.#texts.get(path);
  }

  /** Every file there is. */
  get paths(): readonly string[] {
    return [...this.#texts.keys()].sort();
  }

  /** As a reboot does, /run being in memory. */
  clear(): void {
    this.#texts.clear();
  }

  /** Makes the next `times` calls reject with this code. */
  failNext(code: string, times = 1): void {
    this.#failures.push(...Array.from({ length: times }, () => code));
  }

  read(path: string): Promise<PreviousEnv | undefined> {
    return this.#call(() => {
      const text = this.#texts.get(path);
      return text === undefined ? undefined : parseSubnetEnv(text);
    });
  }

  write(path: string, text: string): Promise<void> {
    return this.#call(() => {
      this.#texts.set(path, text);
    });
  }

  readText(path: string): Promise<string | undefined> {
    return this.#call(() => this.#texts.get(path));
  }

  remove(path: string): Promise<void> {
    return this.#call(() => {
      this.#texts.delete(path);
    });
  }

  linkAlias(path: string): Promise<boolean> {
    return this.#call(() => {
      this.aliases.push(path);
      return true;
    });
  }

  #call<T>(action: () => T): Promise<T> {
    const code = this.#failures.shift();
    if (code === undefined) return Promise.resolve(action());
    return Promise.reject(Object.assign(new Error(`${code}: injected by the test`), { code }));
  }
}
