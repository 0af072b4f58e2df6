// `flanneld status`: what every daemon of this host says of itself and its networks. How that reads is status-text.ts.

import type { CommandArguments, CommandIo } from './command.js';
import { askDaemons, networksOf } from './daemons.js';
import { EXIT } from './exit-codes.js';
import { statusText } from './status-text.js';
import { lookOf } from './table.js';

/**
 * Resolves to 4 when a network is not ready or there is none, else to 3 when one of several daemons does not answer, else
 * to 0. Throws ApiError and CommandError.
 */
export async function status(args: CommandArguments, io: CommandIo): Promise<number> {
  const asked = await askDaemons(args, io);
  const { daemons, incomplete } = asked;
  if (args['json'] === true) {
    const documents = daemons.map(({ socket, document }) => ({ socket, ...document }));
    io.out(`${JSON.stringify({ daemons: documents }, undefined, 2)}\n`);
  } else {
    const texts = daemons.map(({ socket, document }) =>
      statusText(document, { look: lookOf(io), socket: daemons.length > 1 ? socket : undefined }),
    );
    io.out(texts.join('\n'));
  }
  const networks = networksOf(asked);
  if (networks.length === 0 || networks.some(({ network }) => network.state === 'not-ready'))
    return EXIT.notReady;
  return incomplete ? EXIT.noDaemon : EXIT.fine;
}
