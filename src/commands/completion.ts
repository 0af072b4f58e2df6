// `flanneld completion SHELL`: a shell's completion, made from the tables of commands and flags. It asks nobody.

import { FLAG_NAMES } from '../flanneld/flags.js';
import type { CommandArguments, CommandIo, CommandRow } from './command.js';
import { CommandError } from './errors.js';
import { EXIT } from './exit-codes.js';
import { declaredOptions } from './parse.js';

/** Resolves to 0. Throws CommandError for a shell there is none for. */
export function completion(
  commands: readonly CommandRow[],
  args: CommandArguments,
  io: CommandIo,
): Promise<number> {
  const shell = args['SHELL'] as string;
  if (shell !== 'bash')
    throw new CommandError(
      'command-usage',
      `no completion for ${JSON.stringify(shell.slice(0, 40))}; there is bash`,
    );
  const text = bashCompletion(commands);
  io.out(args['json'] === true ? `${JSON.stringify({ shell, text })}\n` : text);
  return Promise.resolve(EXIT.fine);
}

/**
 * A script for bash: words of commands, then their options; the daemon's flags after a dash. For everything else bash
 * completes files. The words are those of our tables and of no one else.
 */
export function bashCompletion(commands: readonly CommandRow[]): string {
  const words = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? name))];
  const groups = words.flatMap((word) => {
    const seconds = commands
      .filter(({ name }) => name.startsWith(`${word} `))
      .map(({ name }) => name.split(' ')[1] ?? '');
    return seconds.length === 0 ? [] : [`    ${quoted(word)}) words=${quoted(seconds.join(' '))} ;;`];
  });
  const rows = commands.map((row) => {
    const options = ['help', ...Object.keys(declaredOptions(row))].map((name) =>
      name.length === 1 ? `-${name}` : `--${name}`,
    );
    return `    ${quoted(row.name)} | ${quoted(`${row.name} `)}*) options=${quoted(options.join(' '))} ;;`;
  });
  return `# Completion of flanneld for bash: made from its tables by \`flanneld completion bash\`.
_flanneld() {
  local current=\${COMP_WORDS[COMP_CWORD]} words= options=
  local flags=${quoted(['help', ...FLAG_NAMES].map((name) => `-${name}`).join(' '))}
  local line="\${COMP_WORDS[*]:1:COMP_CWORD-1}"
  case "\${line#help }" in
    '')
      words=${quoted(['help', ...words].join(' '))}
      options=$flags
      ;;
    help) words=${quoted(words.join(' '))} ;;
${[...groups, ...rows].join('\n')}
    -*) options=$flags ;;
  esac
  case "$current" in
    -*) words=$options ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _flanneld flanneld
`;
}

/** For the shell, as it is: our words have no quotes. */
function quoted(text: string): string {
  return `'${text}'`;
}
