// `flanneld networks validate FILE`: whether a host could use the config, by the very parser and checks of a host.

import { ConfigError } from '../subnet/errors.js';
import type { CommandArguments, CommandIo } from './command.js';
import { placedFault } from './config-text.js';
import { configText } from './config-words.js';
import { readConfig } from './open-configs.js';
import { readInput } from './read-input.js';
import { lineOf } from './words.js';

/** Resolves to 0 for a config that can be used, to 1 for one that cannot. Throws CommandError where it cannot be read. */
export async function networksValidate(args: CommandArguments, io: CommandIo): Promise<number> {
  const file = String(args['FILE']);
  const text = await readInput(file, io);
  const json = args['json'] === true;
  try {
    const config = readConfig(text);
    io.out(
      json ? `${JSON.stringify({ file, valid: true })}\n` : lineOf(`${file}: valid: ${configText(config)}`),
    );
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const fault = placedFault(text, error);
    if (json) io.out(`${JSON.stringify({ file, valid: false, code: error.code, fault })}\n`);
    else io.err(lineOf(`${file}:${/^\d+:/.test(fault) ? '' : ' '}${fault}`));
    return 1;
  }
}
