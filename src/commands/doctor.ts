// `flanneld doctor`: looks at this host, before the installation and after it, and says what is wrong and what mends it.

import { CHECKS } from '../doctor/checks.js';
import { gather } from '../doctor/gather.js';
import { examine } from '../doctor/report.js';
import type { CommandArguments, CommandIo } from './command.js';
import { EXIT } from './exit-codes.js';
import { reportText } from './doctor-text.js';
import { withSources } from './open-doctor.js';
import { lookOf } from './table.js';

/** Back to the beginning of the line, and nothing on it (ECMA-48). */
const CLEAR_LINE = '\r\u001b[K';

/** Resolves to 0, or 4 when a check failed. */
export async function doctor(args: CommandArguments, io: CommandIo): Promise<number> {
  const json = args['json'] === true;
  const shows = io.isTerminal === true && !json;
  const progress = (what: string): void => {
    if (shows) io.err(`${CLEAR_LINE}${what} …`);
  };
  const collected = await withSources(args, io, progress, gather);
  if (shows) io.err(CLEAR_LINE);
  const report = examine(CHECKS, collected);
  io.out(json ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report, lookOf(io)));
  return report.state === 'fail' ? EXIT.notReady : EXIT.fine;
}
