// What one kind of device answers when it is planned: the table of functions that plan-links.ts calls.
// The kinds are the other files of this folder, one each; which is used is told by the wanted link.

import type { Link, LinkChange, NewLink } from '../kernel.js';
import type { Scope } from '../ownership.js';
import type { Problem } from '../problem.js';

/** The host a device is planned on: every link there is, and whose devices we are. */
export interface LinkHost {
  readonly links: readonly Link[];
  readonly scope: Scope;
}

/** A wanted device of some kind. All of it is pure. `existing` is the link that has the name now. */
export interface Device {
  /** The interfaces of the host that it stands on, by name. */
  readonly lower: readonly string[];
  /** Why it can be neither made nor used: somebody else's object in its place, or something below is not there. */
  obstacle(host: LinkHost, existing: Link | undefined): Problem | undefined;
  /** Where the existing one differs in what only a new device can have; in words, empty when it will do. */
  incompatibilities(host: LinkHost, existing: Link): readonly string[];
  /** What to create; name, MTU and alias are the same for every kind and added by the caller. */
  creation(host: LinkHost): Omit<NewLink, 'name' | 'mtu' | 'alias'>;
  /** What to change on the existing one, beside MTU, alias and state. */
  changes(existing: Link): LinkChange;
}

/** A device's name that somebody else has. */
export function collision(name: string, message: string): Problem {
  return { code: 'collision', kind: 'link', object: `link ${name}`, message };
}
