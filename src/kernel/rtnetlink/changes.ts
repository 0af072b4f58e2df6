// Carries out operations in order: in long runs over one connection, and with the steps that making a link takes
// beyond its message. How messages look and how they are acknowledged is not its business.

import { createTun, isNativeError, type TunHandle } from '../../native.js';
import type { KernelOperation, NewLink } from '../kernel.js';
import type { Refusal } from './ack.js';
import type { Connection } from './connection.js';
import { writeDeleteLinkNamed, writeFinish } from './link-message.js';
import { writeOperation } from './operation-message.js';

export class Changes {
  readonly #connection: Pick<Connection, 'change'>;
  readonly #netns: string | undefined;

  /** `netns`: where the connection's socket is, when that is not the process's own namespace. */
  constructor(connection: Pick<Connection, 'change'>, netns: string | undefined) {
    this.#connection = connection;
    this.#netns = netns;
  }

  /** One result an operation, undefined for success. Rejects with KernelError when the kernel is out of reach. */
  async apply(operations: readonly KernelOperation[]): Promise<readonly (Refusal | undefined)[]> {
    const refusals: (Refusal | undefined)[] = [];
    while (refusals.length < operations.length) {
      const rest = operations.slice(refusals.length);
      const tun = tunOf(rest[0]);
      refusals.push(
        ...(tun === undefined ? await this.#run(rest.slice(0, runLength(rest))) : [await this.#tun(tun)]),
      );
    }
    return refusals;
  }

  /** Pipelined. Where the last operation makes a link that is to have an alias, it gets that too. */
  async #run(operations: readonly KernelOperation[]): Promise<(Refusal | undefined)[]> {
    const results = await this.#connection.change(operations.length, (writer, index) => {
      const operation = operations[index];
      return operation !== undefined && writeOperation(writer, operation);
    });
    const link = aliasedOf(operations.at(-1));
    if (link === undefined || results.at(-1) !== undefined) return [...results];
    return [...results.slice(0, -1), await this.#mark(link)];
  }

  /**
   * The kernel ignores an alias in the message that creates a link, so a second one follows; only once the link is
   * known to be ours, lest it mark the one that stood in the way. A link that cannot be marked is taken back.
   */
  async #mark({ name, alias }: NewLink): Promise<Refusal | undefined> {
    const refusal = await this.#finish({ name, alias });
    if (refusal === undefined) return undefined;
    await this.#connection.change(1, (writer) => writeDeleteLinkNamed(writer, name));
    return refusal;
  }

  /**
   * The device is made to stay only once it is marked: whatever ends us, or fails, before that takes it along, and
   * nobody is left with a persistent device that is nobody's.
   */
  async #tun({ name, mtu, alias, tun }: NewTun): Promise<Refusal | undefined> {
    let handle: TunHandle | undefined;
    try {
      handle = createTun(name, tun.multiQueue, this.#netns);
      const refusal = await this.#finish({ name, mtu, alias });
      if (refusal === undefined) handle.persist();
      return refusal;
    } catch (error) {
      if (!isNativeError(error)) throw error;
      return { errno: error.errno };
    } finally {
      handle?.close();
    }
  }

  async #finish(link: Parameters<typeof writeFinish>[1]): Promise<Refusal | undefined> {
    if (link.mtu === undefined && link.alias === undefined) return undefined;
    const [refusal] = await this.#connection.change(1, (writer) => writeFinish(writer, link));
    return refusal;
  }
}

type NewTun = NewLink & Required<Pick<NewLink, 'tun'>>;

/** How many operations, none of which makes a TUN, go out together: up to the first link that is to have an alias. */
function runLength(operations: readonly KernelOperation[]): number {
  const index = operations.findIndex((each) => tunOf(each) !== undefined || aliasedOf(each) !== undefined);
  if (index < 0) return operations.length;
  return tunOf(operations[index]) === undefined ? index + 1 : index;
}

function createdOf(operation: KernelOperation | undefined): NewLink | undefined {
  return operation?.kind === 'link' && operation.verb === 'create' ? operation.link : undefined;
}

function aliasedOf(operation: KernelOperation | undefined): NewLink | undefined {
  const link = createdOf(operation);
  return link?.alias === undefined ? undefined : link;
}

function tunOf(operation: KernelOperation | undefined): NewTun | undefined {
  const link = createdOf(operation);
  return link?.tun === undefined ? undefined : { ...link, tun: link.tun };
}
