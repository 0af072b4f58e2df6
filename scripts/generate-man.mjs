// Writes packaging/flanneld.8, the man page, from the tables of flags, commands and exit codes.
// Run after `npm run build`; `--check` only compares, and fails when it differs.

import { readFileSync, writeFileSync } from 'node:fs';
import { EXIT_CODES } from '../dist/src/commands/exit-codes.js';
import { COMMANDS } from '../dist/src/commands/index.js';
import { declaredOptions, synopsis } from '../dist/src/commands/parse.js';
import { FLAG_NAMES, FLAGS, environmentName } from '../dist/src/flanneld/flags.js';

const target = new URL('../packaging/flanneld.8', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** The letters beyond ASCII that our texts use. */
const LETTERS = {
  '’': '\\(cq',
  '…': '.\\|.\\|.',
  '→': '\\(->',
  '≤': '\\(<=',
  '–': '\\(en',
  '“': '\\(lq',
  '”': '\\(rq',
};

/** Text as roff prints it: no request at its beginning, no escape, dashes that can be copied. */
function roff(text) {
  const escaped = text
    .replaceAll('\\', '\\(rs')
    .replaceAll('-', '\\-')
    .replaceAll('`', '')
    .replace(/[^\0-\x7f]/gu, (letter) => {
      if (LETTERS[letter] === undefined)
        throw new Error(`the man page has no form for ${letter} in: ${text}`);
      return LETTERS[letter];
    });
  return escaped.replace(/^(?=[.'])/gm, '\\&');
}

const bold = (text) => `\\fB${roff(text)}\\fR`;
const italic = (text) => `\\fI${roff(text)}\\fR`;
const sentence = (text) => `${roff(text[0].toUpperCase() + text.slice(1))}.`;
/** A tagged paragraph. */
const entry = (tag, ...lines) => ['.TP', tag, ...lines].join('\n');

function flagEntry(name) {
  const row = FLAGS[name];
  const value = row.type === 'boolean' ? '' : `=${italic(row.type === 'list' ? 'string' : row.type)}`;
  const notes = [
    row.secret === true || row.type === 'list' || row.default === '' ? '' : `Default: ${row.default}.`,
    row.harmless === undefined ? '' : 'Not supported yet: only a value that asks for nothing is accepted.',
  ].filter((note) => note !== '');
  return entry(`${bold(`-${name}`)}${value}`, sentence(row.help), ...notes.map(roff));
}

/** Options that are flags of the daemon are told above; a command's page need only name them. */
const isFlag = (name) => name in FLAGS && name !== 'socket';

function commandEntry(row) {
  const { positionals = [] } = row;
  const options = Object.entries(declaredOptions(row));
  const flags = options.filter(([name]) => isFlag(name)).map(([name]) => bold(`--${name}`));
  const entries = [
    ...positionals.map(({ name, describe }) => entry(italic(name), sentence(describe))),
    ...options.filter(([name]) => !isFlag(name)).map(optionEntry),
    ...(flags.length === 0 ? [] : ['.PP', `As the daemon has them: ${flags.join(', ')}.`]),
  ];
  const nested = entries.length === 0 ? [] : ['.RS', ...entries, '.RE'];
  return [entry(bold(`flanneld ${synopsis(row)}`), sentence(row.describe)), ...nested].join('\n');
}

function optionEntry([name, { type, describe = '', default: fallback }]) {
  const dashed = bold(`${name.length === 1 ? '-' : '--'}${name}`);
  // The path of the node that makes this page is nobody else's.
  const isSaid = typeof fallback === 'string' && fallback !== process.execPath;
  return entry(
    type === 'boolean' ? dashed : `${dashed} ${italic('value')}`,
    sentence(describe),
    ...(isSaid ? [roff(`Default: ${fallback}.`)] : []),
  );
}

const FILES = {
  '/run/flannel/subnet.env': 'subnet, MTU and network of this host, for container runtimes',
  '/run/flannel/networks/': 'the same for several networks, and what state each is in',
  '/run/flannel/flanneld.sock': 'the socket that the commands ask',
  '/var/lib/flannel/': 'what is kept across restarts and reboots',
  '/etc/default/flanneld': 'variables for the systemd unit, as FLANNELD_ETCD_ENDPOINTS',
};

const page = `.\\" Made by scripts/generate-man.mjs from the tables in the code; do not edit.
.TH FLANNELD 8 "" "flanneld ${version}" "System Administration"
.ad l
.nh
.SH NAME
flanneld \\- overlay network daemon: a subnet for this host, and routes to those of the others
.SH SYNOPSIS
.B flanneld
.RI [ \\-flag [ =value ]\\ .\\|.\\|.]
.br
.B flanneld
.I command
.RI [ argument\\ .\\|.\\|.]
.SH DESCRIPTION
Without a command
.B flanneld
runs as a daemon: it leases a subnet for this host from etcd, writes it to a file for container runtimes, and keeps the
kernel's devices, routes and traffic rules as the leases of all hosts ask for.
With one it tells about a running daemon, about etcd, or about this host, and ends.
.PP
etcd keys, flags, files and packets are those of flannel: hosts that run either can be in one network.
.SH OPTIONS OF THE DAEMON
One dash or two,
.BI \\-x " v"
or
.BI \\-x= v\\fR.
A boolean takes a value only after
.BR = .
${FLAG_NAMES.map(flagEntry).join('\n')}
.SH COMMANDS
${COMMANDS.map(commandEntry).join('\n')}
.SH EXIT STATUS
Of a command:
${Object.entries(EXIT_CODES)
  .map(([code, meaning]) => entry(bold(code), sentence(meaning)))
  .join('\n')}
.PP
Of the daemon: 0 after a stop, 1 when it cannot start, 2 for a wrong command line, 3 when its lease was lost, 4 when the
packet engine cannot go on.
.SH ENVIRONMENT
Every flag of the daemon can be set as a variable, which the command line overrides:
.BR ${roff(environmentName('etcd-endpoints'))} ,
.B ${roff(environmentName('iface'))}
and so on.
.B NO_COLOR
keeps colour out of tables.
.SH FILES
${Object.entries(FILES)
  .map(([path, what]) => entry(italic(path), sentence(what)))
  .join('\n')}
.SH SEE ALSO
.BR systemctl (1),
.BR ip (8),
.BR nft (8),
.BR etcdctl (1)
`;

let current = '';
try {
  current = readFileSync(target, 'utf8');
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
}
if (current !== page && process.argv.includes('--check')) {
  console.error('packaging/flanneld.8 does not match the tables in the code; run `npm run docs`');
  process.exit(1);
}
if (current !== page) writeFileSync(target, page);
