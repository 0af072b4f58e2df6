// An operation of the Kernel interface as the message that carries it out.

import type { KernelOperation } from '../kernel.js';
import { writeAddress } from './address-message.js';
import { writeDeleteLink, writeLinkChange, writeNewLink } from './link-message.js';
import { writeFdbEntry, writeNeighbour } from './neighbour-message.js';
import { writeRoute } from './route-message.js';
import type { MessageWriter } from './writer.js';

/** Appends the message; false when it did not fit. Of a link to create, the alias is left out. */
export function writeOperation(writer: MessageWriter, operation: KernelOperation): boolean {
  switch (operation.kind) {
    case 'route':
      return writeRoute(writer, operation.verb, operation.route);
    case 'neighbour':
      return writeNeighbour(writer, operation.verb, operation.neighbour);
    case 'fdb':
      return writeFdbEntry(writer, operation.verb, operation.entry);
    case 'address':
      return writeAddress(writer, operation.verb, operation.address);
    case 'link':
      switch (operation.verb) {
        case 'create':
          return writeNewLink(writer, operation.link);
        case 'change':
          return writeLinkChange(writer, operation.index, operation.change);
        case 'delete':
          return writeDeleteLink(writer, operation.index);
      }
  }
}
