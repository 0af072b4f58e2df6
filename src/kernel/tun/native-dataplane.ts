// The Dataplane interface over the packet engine in C: opens it on a device, hands over routes, reads what it counted.
// When it is called, and what its errors mean for the network, is the reconciler's business.

import type { Logger } from '../../logger.js';
import { isNativeError, openDataplane, type DataplaneHandle } from '../../native.js';
import { ipToBytes, type Ip } from '../../subnet/cidr.js';
import {
  DataplaneError,
  type Dataplane,
  type DataplaneEvents,
  type DataplaneStats,
  type WantedDataplane,
} from '../dataplane.js';
import type { Link } from '../kernel.js';
import { errnoName } from '../operation-errors.js';
import { DATAPLANE_FEATURES, type DataplaneFeature } from './features.js';
import { openError } from './open-errors.js';
import { prefixRecords, readPeers, routeRecords } from './route-records.js';
import { sizeOf, type Sizing } from './sizing.js';
import { addStats, NO_STATS } from './totals.js';

export interface NativeDataplaneParts {
  readonly events: DataplaneEvents;
  readonly logger: Logger;
  /** Cores that threads may run on. */
  readonly cores: number;
  /** Features not to be used: -udp-disable. */
  readonly disabled: readonly DataplaneFeature[];
}

const FILTERS = { off: 0, on: 1, strict: 2 } as const;
/** errno of a TUN device that was deleted under its queue (EBADFD; Node names it not). */
const EBADFD = 77;

interface Open {
  readonly handle: DataplaneHandle;
  readonly link: number;
  readonly options: string;
  readonly device: string;
  /** Those in use when it was last looked at: a feature may fail while the engine runs. */
  features: readonly string[];
  /** As handed over last: most passes bring the same. */
  records: Uint8Array | undefined;
}

export class NativeDataplane implements Dataplane {
  readonly #parts: NativeDataplaneParts;
  #open: Open | undefined;
  #before: DataplaneStats = NO_STATS;
  #told = '';

  constructor(parts: NativeDataplaneParts) {
    this.#parts = parts;
  }

  apply(wanted: WantedDataplane, link: Link): void {
    const options = optionsText(wanted);
    if (this.#open?.link !== link.index || this.#open.options !== options) {
      this.close();
      const handle = this.#start(wanted, link);
      const { device } = wanted;
      const features = handle.features();
      this.#open = { handle, link: link.index, options, device, features, records: undefined };
    }
    this.#setRoutes(this.#open, routeRecords(wanted.routes), wanted.device);
  }

  isAttached(link: Link): boolean {
    return this.#open?.link === link.index;
  }

  stats(): DataplaneStats | undefined {
    if (this.#open === undefined) return this.#before === NO_STATS ? undefined : this.#before;
    const { handle } = this.#open;
    this.#tellFailed(this.#open);
    return addStats(this.#before, { counters: handle.counters(), peers: readPeers(handle.peers()) });
  }

  close(): void {
    if (this.#open === undefined) return;
    this.#before = this.stats() ?? NO_STATS;
    this.#open.handle.close();
    this.#open = undefined;
  }

  /** A device below that makes no checksums, for instance, refuses messages of many datagrams only when one is sent. */
  #tellFailed(open: Open): void {
    const now = open.handle.features();
    const failed = open.features.filter((feature) => !now.includes(feature));
    open.features = now;
    if (failed.length === 0) return;
    this.#parts.logger.warn('the packet engine goes on without a feature', {
      device: open.device,
      object: failed.join(' '),
      reason: 'the kernel refused it when it was used',
    });
  }

  #setRoutes(open: Open, records: Uint8Array, device: string): void {
    if (open.records !== undefined && Buffer.compare(open.records, records) === 0) return;
    try {
      open.handle.setRoutes(records);
      open.records = records;
    } catch (error) {
      if (!isNativeError(error)) throw error;
      const message = `cannot give ${device} its routes: ${error.code}`;
      throw new DataplaneError('dataplane-failed', message, { cause: error });
    }
  }

  #start(wanted: WantedDataplane, link: Link): DataplaneHandle {
    const { cores, disabled } = this.#parts;
    const multiQueue = link.tun?.multiQueue === true;
    const sizing = sizeOf(cores, wanted);
    if (wanted.queues !== undefined && wanted.queues > 1 && !multiQueue) {
      throw new DataplaneError(
        'device-mode',
        `${wanted.device} was made for a single queue, not ${wanted.queues}`,
      );
    }
    const queues = multiQueue ? sizing.queues : 1;
    const handle = this.#opened(wanted, link, { ...sizing, queues }, disabled);
    this.#tell(wanted, handle, { ...sizing, queues });
    return handle;
  }

  #opened(
    wanted: WantedDataplane,
    link: Link,
    { queues, split, spinNs }: Sizing,
    disabled: readonly DataplaneFeature[],
  ): DataplaneHandle {
    const bytes = (address: Ip | undefined): Uint8Array =>
      address === undefined ? new Uint8Array() : ipToBytes(address);
    const failed = (errno: number, place: string): void => {
      if (this.#open?.handle === handle) this.#failed(errno, place, wanted);
    };
    let handle: DataplaneHandle;
    try {
      handle = openDataplane(
        {
          device: wanted.device,
          deviceIndex: link.index,
          multiQueue: link.tun?.multiQueue === true,
          source: ipToBytes(wanted.source),
          port: wanted.port,
          mtu: wanted.mtu,
          icmpV4: bytes(wanted.addresses[4]),
          icmpV6: bytes(wanted.addresses[6]),
          own: prefixRecords(wanted.own),
          filter: FILTERS[wanted.filter],
          queues,
          split,
          spinNs,
          disabled,
        },
        failed,
      );
    } catch (error) {
      throw isNativeError(error) ? openError(error, wanted) : error;
    }
    return handle;
  }

  /** A device that was deleted is the reconciler's to make anew; anything else would be a black hole. */
  #failed(errno: number, place: string, { device, port }: WantedDataplane): void {
    const { events, logger } = this.#parts;
    if (errno === EBADFD) {
      logger.warn('the device of the packet engine is gone', { device, op: place });
      this.close();
      events.lost();
      return;
    }
    const reason = `the packet engine of ${device} (UDP port ${port}) cannot go on: ${place} failed with ${errnoName(errno)}`;
    events.failed(new DataplaneError('dataplane-failed', reason));
  }

  /** Once for each different outcome: a device that comes and goes is no news. */
  #tell({ device, port }: WantedDataplane, handle: DataplaneHandle, { queues, split, spinNs }: Sizing): void {
    const inUse = handle.features();
    const missing = DATAPLANE_FEATURES.filter((feature) => !inUse.includes(feature));
    const { disabled } = this.#parts;
    const without = missing.map((name) =>
      disabled.includes(name)
        ? `${name} (switched off)`
        : `${name} (not in this kernel, or needs what is missing)`,
    );
    const count = queues * (split ? 2 : 1);
    const threads = `${queues} queue${queues === 1 ? '' : 's'}, ${count} thread${count === 1 ? '' : 's'}, spinning ${spinNs / 1000} µs`;
    const object = `UDP port ${port}, ${threads}, with ${inUse.join(' ') || 'nothing'}`;
    const text = `${device} ${object}`;
    if (text === this.#told) return;
    this.#told = text;
    this.#parts.logger.info('packet engine runs', {
      device,
      object,
      ...(without.length > 0 && { reason: `without ${without.join(', ')}` }),
    });
  }
}

/** Everything but the routes, which change without opening anew. */
function optionsText(wanted: WantedDataplane): string {
  return JSON.stringify({ ...wanted, routes: undefined });
}
