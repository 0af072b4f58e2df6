// A multicast message as an event of the Kernel interface. Pure: no socket, no listener.

import { MAIN_TABLE, type KernelEvent } from '../kernel.js';
import { readAddress } from './address-message.js';
import { RTM } from './constants.js';
import { readLink } from './link-message.js';
import { readNeighbour } from './neighbour-message.js';
import type { MessageCursor } from './reader.js';
import { readRoute } from './route-message.js';

/**
 * The event a message tells of; `ownPort` is the port of the socket our changes go through. `other` for what the
 * Kernel interface does not speak of: tables but the main one, bridge ports, other families. Undefined when the
 * message cannot be read.
 */
export function readEvent(message: MessageCursor, ownPort: number): KernelEvent | 'other' | undefined {
  const own = message.port === ownPort;
  switch (message.type) {
    case RTM.NEWLINK:
    case RTM.DELLINK:
      return linkEvent(message, own);
    case RTM.NEWADDR:
    case RTM.DELADDR:
      return addressEvent(message, own);
    case RTM.NEWROUTE:
    case RTM.DELROUTE:
      return routeEvent(message, own);
    case RTM.NEWNEIGH:
    case RTM.DELNEIGH:
      return neighbourEvent(message, own);
    default:
      return 'other';
  }
}

type Read = KernelEvent | 'other' | undefined;

function linkEvent({ chunk, start, end, type }: MessageCursor, own: boolean): Read {
  const link = readLink(chunk, start, end);
  if (link === undefined || link === 'other') return link;
  return { type: 'link', gone: type === RTM.DELLINK, link, own };
}

function addressEvent({ chunk, start, end, type }: MessageCursor, own: boolean): Read {
  const address = readAddress(chunk, start, end);
  if (address === undefined || address === 'other') return address;
  return { type: 'address', gone: type === RTM.DELADDR, address, own };
}

function routeEvent({ chunk, start, end, type }: MessageCursor, own: boolean): Read {
  const route = readRoute(chunk, start, end);
  if (route === undefined || route === 'other') return route;
  return route.table === MAIN_TABLE ? { type: 'route', gone: type === RTM.DELROUTE, route, own } : 'other';
}

function neighbourEvent(message: MessageCursor, own: boolean): Read {
  const read = readNeighbour(message.chunk, message.start, message.end);
  if (read === undefined || read === 'other') return read;
  const gone = message.type === RTM.DELNEIGH;
  if (read.kind === 'fdb') return { type: 'fdb', gone, entry: read.entry, own };
  // An entry that became one without resolution is not listed any more (see LinuxKernel.neighbours).
  return { type: 'neighbour', gone: gone || read.noarp, neighbour: read.neighbour, own };
}
