// A kernel in memory that refuses, removes and tells what Linux does, as far as the Kernel interface can see.
// It passes test/contract/kernel.ts, as LinuxKernel does; what that suite does not cover is not promised here.

import { familyOf, type Cidr, type Family, type Ip } from '../../src/subnet/cidr.js';
import { errnoOf, kernelError, operationName } from '../../src/kernel/operation-errors.js';
import { operationText } from '../../src/kernel/text.js';
import {
  txChecksumSetting,
  MAIN_TABLE,
  type Address,
  type FdbEntry,
  type Kernel,
  type KernelError,
  type KernelEvent,
  type KernelOperation,
  type Link,
  type Mac,
  type Neighbour,
  type Route,
  type RouteLookup,
  type Tun,
} from '../../src/kernel/kernel.js';
import { changeAddress, changeFdbEntry, changeNeighbour } from './fake-kernel-entries.js';
import { attach, changeLink, createLink, deleteLink, setCarrier } from './fake-kernel-links.js';
import { createRoute, deleteRoute, lookUp, replaceRoute } from './fake-kernel-routes.js';
import { FakeState, Refused } from './fake-kernel-state.js';
import { stateText } from './fake-kernel-text.js';

/** A device that was there before: its name is enough. */
export interface ExistingLink {
  readonly name: string;
  /** None: a physical device. */
  readonly kind?: string;
  readonly mtu?: number;
  readonly mac?: string;
  readonly up?: boolean;
  readonly carrier?: boolean;
  readonly addresses?: readonly string[];
  readonly alias?: string;
  readonly tun?: Tun;
}

/** Which operations to refuse: fields that are absent match any. */
export interface FailureMatch {
  readonly kind?: KernelOperation['kind'];
  readonly verb?: KernelOperation['verb'];
  /** Part of the operation's text, such as the destination of a route. */
  readonly text?: string;
}

/** The methods of Kernel that a test can make fail. */
export type Read = 'links' | 'addresses' | 'routes' | 'neighbours' | 'fdb' | 'routeTo' | 'watch' | 'apply';

export class FakeKernel implements Kernel {
  /** Every operation of the kernel's user (not of asOther), in order, with the errno's name of the refused ones. */
  readonly log: { readonly operation: KernelOperation; readonly code?: string }[] = [];
  /** Acts as somebody else: the events are not `own`. */
  readonly asOther: Pick<Kernel, 'apply'> = {
    apply: (operations) => Promise.resolve(operations.map((operation) => this.#perform(operation, false))),
  };
  readonly #state = new FakeState();
  readonly #listeners = new Set<(event: KernelEvent) => void>();
  readonly #failures: { match: FailureMatch; code: string; times: number }[] = [];
  readonly #readFailures: { read: Read; code: string }[] = [];
  #delivery: Promise<void> | undefined;
  #closed = false;

  /** A kernel with its loopback, up. */
  constructor() {
    this.addLink({ name: 'lo', mtu: 65536, mac: '00:00:00:00:00:00', addresses: ['127.0.0.1/8', '::1/128'] });
  }

  // ---- for tests ----

  /** Puts a device there, up unless said otherwise, as if it had been there from the start: no events. */
  addLink(existing: ExistingLink): Link {
    const { name, kind, mtu = 1500, up = true, carrier = up, addresses = [] } = existing;
    const index = this.#state.nextIndex++;
    const mac = (existing.mac ?? `02:00:00:00:01:${index.toString(16).padStart(2, '0')}`) as Mac;
    const loopback = name === 'lo';
    const { alias, tun } = existing;
    const link: Link = {
      index,
      name,
      ...(kind !== undefined && { kind }),
      ...{ mtu, up, carrier, loopback, mac },
      ...(alias !== undefined && { alias }),
      ...(tun !== undefined && { tun }),
    };
    this.#state.links.set(index, link);
    this.#state.settings.set(`net/ipv6/conf/${name}/accept_ra`, '1');
    this.#state.settings.set(txChecksumSetting(name), 'on');
    for (const address of addresses) {
      const scope = loopback ? 254 : address.startsWith('fe80:') ? 253 : 0;
      const rest = { deprecated: false, temporary: false, permanent: true };
      changeAddress(this.#state, 'create', { link: index, address: address as Cidr, scope, ...rest });
    }
    this.#state.events.length = 0;
    return link;
  }

  /** The index of the link with that name; throws when there is none. */
  indexOf(name: string): number {
    for (const link of this.#state.links.values()) if (link.name === name) return link.index;
    throw new Error(`the fake kernel has no link ${name}`);
  }

  /** A program attaches to the TUN with that index, or lets go of it; of one that is deleted it has nothing to let go. */
  attach(index: number, attached = true): void {
    if (!this.#state.links.has(index) && !attached) return;
    attach(this.#state, index, attached);
    this.#deliver();
  }

  /** The cable of the device is pulled, or the last port of the bridge is gone; or back. */
  setCarrier(name: string, carrier: boolean): void {
    setCarrier(this.#state, this.indexOf(name), carrier);
    this.#deliver();
  }

  /** Refuses the next `times` operations of the kernel's user that match. */
  failNext(match: FailureMatch, code: string, times = 1): void {
    this.#failures.push({ match, code, times });
  }

  /** Makes the next call of a method reject. */
  failNextRead(read: Read, code: string): void {
    this.#readFailures.push({ read, code });
  }

  /** Runs `action` while the events' buffer is full: what it causes is not told, `resync` is. */
  async loseEvents(action: () => Promise<unknown>): Promise<void> {
    this.#state.muted = true;
    await action();
    this.#state.muted = false;
    this.#state.events.push({ type: 'resync', reason: 'kernel events were lost (ENOBUFS)' });
    await this.flush();
  }

  /** The operations since the last call, as text; refused ones with their code. */
  takeLog(): string[] {
    return this.log
      .splice(0)
      .map(({ operation, code }) => `${this.#describe(operation)}${code === undefined ? '' : `: ${code}`}`);
  }

  /** Resolves when every event so far has been delivered. */
  async flush(): Promise<void> {
    this.#deliver();
    await this.#delivery;
  }

  /** Sorted lines in sections, in the words of `ip` and `bridge`. */
  toString(): string {
    return stateText(this.#state);
  }

  // ---- Kernel ----

  links(): Promise<readonly Link[]> {
    return this.#read('links', () => [...this.#state.links.values()]);
  }

  addresses(): Promise<readonly Address[]> {
    return this.#read('addresses', () => [...this.#state.addresses.values()]);
  }

  routes(family: Family): Promise<readonly Route[]> {
    const wanted = ({ dst, table }: Route): boolean => table === MAIN_TABLE && familyOf(dst) === family;
    return this.#read('routes', () => [...this.#state.routes.values()].filter(wanted));
  }

  neighbours(link: number): Promise<readonly Neighbour[]> {
    return this.#read('neighbours', () =>
      [...this.#state.neighbours.values()].filter((entry) => entry.link === link),
    );
  }

  fdb(link: number): Promise<readonly FdbEntry[]> {
    return this.#read('fdb', () => [...this.#state.fdb.values()].filter((entry) => entry.link === link));
  }

  routeTo(address: Ip): Promise<RouteLookup> {
    return this.#read('routeTo', () => {
      try {
        return lookUp(this.#state, address);
      } catch (error) {
        throw asKernelError(`find the route to ${address}`, error);
      }
    });
  }

  apply(operations: readonly KernelOperation[]): Promise<readonly (KernelError | undefined)[]> {
    return this.#read('apply', () =>
      operations.map((operation) => {
        const error = this.#injected(operation) ?? this.#perform(operation, true);
        this.log.push(error === undefined ? { operation } : { operation, code: error.code });
        return error;
      }),
    );
  }

  watch(listener: (event: KernelEvent) => void): Promise<() => void> {
    return this.#read('watch', () => {
      const registered = (event: KernelEvent): void => {
        listener(event);
      };
      this.#listeners.add(registered);
      return () => {
        this.#listeners.delete(registered);
      };
    });
  }

  readSetting(path: string): Promise<string | undefined> {
    return Promise.resolve(this.#state.settings.get(path));
  }

  writeSetting(path: string, value: string): Promise<void> {
    if (!this.#state.settings.has(path)) {
      return Promise.reject(kernelError(`write the setting ${path}`, errnoOf('ENOENT')));
    }
    this.#state.settings.set(path, value);
    return Promise.resolve();
  }

  close(): void {
    this.#closed = true;
    this.#listeners.clear();
  }

  // ---- inside ----

  /** Does it at once; the result comes with a promise, as from the real one. */
  #read<T>(read: Read, action: () => T): Promise<T> {
    return new Promise((resolve) => {
      if (this.#closed) throw kernelError('talk to the kernel over netlink', errnoOf('ECANCELED'));
      const failure = this.#readFailures.findIndex((entry) => entry.read === read);
      const [injected] = failure < 0 ? [] : this.#readFailures.splice(failure, 1);
      if (injected !== undefined) throw kernelError(read, errnoOf(injected.code));
      resolve(action());
    });
  }

  #injected(operation: KernelOperation): KernelError | undefined {
    const text = this.#describe(operation);
    const index = this.#failures.findIndex(
      ({ match }) =>
        (match.kind === undefined || match.kind === operation.kind) &&
        (match.verb === undefined || match.verb === operation.verb) &&
        (match.text === undefined || text.includes(match.text)),
    );
    const failure = this.#failures[index];
    if (failure === undefined) return undefined;
    if (--failure.times <= 0) this.#failures.splice(index, 1);
    return kernelError(operationName(operation), errnoOf(failure.code), 'injected by the test');
  }

  #perform(operation: KernelOperation, own: boolean): KernelError | undefined {
    this.#state.actorIsOwn = own;
    try {
      perform(this.#state, operation);
      return undefined;
    } catch (error) {
      return asKernelError(operationName(operation), error);
    } finally {
      this.#deliver();
    }
  }

  /** Events reach the listeners in a later microtask, in order, as they would in a later turn of the event loop. */
  #deliver(): void {
    if (this.#state.events.length === 0) return;
    this.#delivery ??= Promise.resolve().then(() => {
      this.#delivery = undefined;
      for (const event of this.#state.events.splice(0)) {
        for (const listener of [...this.#listeners]) listener(event);
      }
    });
  }

  #describe(operation: KernelOperation): string {
    const name = (index: number): string => this.#state.links.get(index)?.name ?? `#${index}`;
    return `${operation.verb} ${operationText(operation, name)}`;
  }
}

function perform(state: FakeState, operation: KernelOperation): void {
  switch (operation.kind) {
    case 'link':
      if (operation.verb === 'create') createLink(state, operation.link);
      else if (operation.verb === 'change') changeLink(state, operation.index, operation.change);
      else deleteLink(state, operation.index);
      return;
    case 'address':
      changeAddress(state, operation.verb, operation.address);
      return;
    case 'route':
      if (operation.verb === 'create') createRoute(state, operation.route);
      else if (operation.verb === 'replace') replaceRoute(state, operation.route);
      else deleteRoute(state, operation.route);
      return;
    case 'neighbour':
      changeNeighbour(state, operation.verb, operation.neighbour);
      return;
    case 'fdb':
      changeFdbEntry(state, operation.verb, operation.entry);
      return;
  }
}

/** A refusal of the rules; anything else is a defect of the fake and is thrown on. */
function asKernelError(operation: string, error: unknown): KernelError {
  if (!(error instanceof Refused)) throw error;
  return kernelError(operation, errnoOf(error.code), error.extack);
}
