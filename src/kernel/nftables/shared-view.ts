// What stands in the tables of others, listed once for all networks that have to look at the same time (shared-look.ts).
// It does not know what they look for.

import { SharedLook } from '../shared-look.js';
import type { Listing } from './listing.js';
import type { Nft } from './nft.js';

/** As much of nft as looking at others' tables, and entering one, takes. */
export type View = Pick<Nft, 'chains' | 'table' | 'send'>;

export class SharedView {
  readonly #nft: Nft;
  readonly #chains = new SharedLook<Listing>();
  readonly #tables = new SharedLook<Listing | undefined>();

  constructor(nft: Nft) {
    this.#nft = nft;
  }

  /** A view for one question, put now: it shows nothing that was listed before. */
  ask(): View {
    const [chains, table] = [this.#chains.ask(), this.#tables.ask()];
    return {
      chains: () => chains('', () => this.#nft.chains()),
      table: (family, name) => table(`${family} ${name}`, () => this.#nft.table(family, name)),
      send: async (lines) => {
        try {
          await this.#nft.send(lines);
        } finally {
          this.forget();
        }
      },
    };
  }

  forget(): void {
    this.#chains.forget();
    this.#tables.forget();
  }
}
