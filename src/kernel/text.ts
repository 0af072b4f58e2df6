// Kernel objects in the words of `ip` and `bridge`, for messages and for people.
// Links are given by name; the caller resolves indexes.

import { PROTOCOL, type FdbEntry, type KernelOperation, type Neighbour, type Route } from './kernel.js';

export type LinkName = (index: number) => string;

export function routeText(route: Route, name: LinkName): string {
  const parts: string[] = [route.type === 'unicast' ? route.dst : `${route.type} ${route.dst}`];
  if (route.gateway !== undefined) parts.push('via', route.gateway);
  if (route.link !== undefined) parts.push('dev', name(route.link));
  if (route.protocol !== PROTOCOL.boot) parts.push('proto', protocolText(route.protocol));
  if (route.metric !== 0) parts.push('metric', String(route.metric));
  if (route.onlink) parts.push('onlink');
  return parts.join(' ');
}

export function neighbourText(neighbour: Neighbour, name: LinkName): string {
  const mac = neighbour.mac === undefined ? '' : ` lladdr ${neighbour.mac}`;
  return `${neighbour.ip} dev ${name(neighbour.link)}${mac}${neighbour.permanent ? ' PERMANENT' : ''}`;
}

export function fdbText(entry: FdbEntry, name: LinkName): string {
  const dst = entry.dst === undefined ? '' : ` dst ${entry.dst}`;
  return `${entry.mac} dev ${name(entry.link)}${dst} self${entry.permanent ? ' permanent' : ''}`;
}

/** The object an operation is about, as `route 10.5.9.0/24 via …`. */
export function operationText(operation: KernelOperation, name: LinkName): string {
  switch (operation.kind) {
    case 'link':
      return `link ${operation.verb === 'create' ? operation.link.name : name(operation.index)}`;
    case 'address':
      return `address ${operation.address.address} dev ${name(operation.address.link)}`;
    case 'route':
      return `route ${routeText(operation.route, name)}`;
    case 'neighbour':
      return `neighbour ${neighbourText(operation.neighbour, name)}`;
    case 'fdb':
      return `FDB entry ${fdbText(operation.entry, name)}`;
  }
}

function protocolText(protocol: number): string {
  const names = Object.entries(PROTOCOL).filter(([name]) => name !== 'flanneld');
  return names.find(([, number]) => number === protocol)?.[0] ?? String(protocol);
}
