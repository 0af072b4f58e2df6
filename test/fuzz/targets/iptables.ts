// What iptables-save, and nft without JSON, print: read or refused with a RulesError, and whatever is read, what is sent
// back to iptables-restore are whole lines of the kinds we write.

import fc from 'fast-check';
import { planApply, planRemove } from '../../../src/kernel/iptables/plan.js';
import { parseSave } from '../../../src/kernel/iptables/save-text.js';
import { parseVersion } from '../../../src/kernel/iptables/tool-version.js';
import { removeUpstreamNft } from '../../../src/kernel/iptables/upstream-nft.js';
import { RulesError } from '../../../src/kernel/rules.js';
import { RecordingLogger } from '../../helpers/recording-logger.js';
import { BLUE } from '../../kernel/iptables/helpers.js';
import { SAVE_TEXTS } from '../golden.js';
import { mutated, PLAIN_PIECES } from '../generators/text.js';
import { textGrowth } from '../growth.js';
import { holds, onlyThrows, target, type Target } from '../target.js';

const RANGE = BLUE.range;

/** A line for iptables-restore. */
const RESTORE_LINE =
  /^(\*(nat|filter)|:FLANNEL-[\w-]+ - \[0:0\]|-[ADIX] (FLANNEL-[\w-]+|POSTROUTING|FORWARD)( .*)?|COMMIT|)$/s;

const saveTexts = fc.oneof(
  mutated(SAVE_TEXTS, ['*nat\n', 'COMMIT\n', '-A FORWARD ', '-j FLANNEL-FWD', '! ', '"', '\\', '\r']),
  fc
    .array(
      fc.constantFrom(
        ...SAVE_TEXTS.flatMap((text) => text.split('\n')),
        ...[
          '*nat',
          '*filter',
          'COMMIT',
          '-A',
          ':',
          '-A FLANNEL-FWD -s 10.5.0.0/16\r-j ACCEPT',
          '-A FORWARD ! !',
        ],
        ...['-A POSTROUTING -s 10.5.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE', '-A FORWARD -j FLANNEL-FWD'],
      ),
      { maxLength: 30 },
    )
    .map((lines) => lines.join('\n')),
);

const iptablesSave = target({
  name: 'iptables listing',
  promise: 'is read or refused, and nothing but our own lines comes of it',
  runs: 700,
  input: saveTexts,
  open: () => ({
    check: (text) => {
      parseVersion(text);
      const read = onlyThrows(RulesError, () => parseSave(text));
      if ('error' in read) return;
      for (const primary of [true, false, 'auto'] as const) {
        const plan = planApply(read.value, BLUE, true, { ranges: [RANGE], primary });
        for (const line of plan.text.split('\n')) holds(RESTORE_LINE.test(line), JSON.stringify(line));
      }
      const removal = planRemove(read.value, 'blue', [RANGE], ['nat', 'filter']);
      for (const line of removal.text.split('\n')) holds(RESTORE_LINE.test(line), JSON.stringify(line));
    },
  }),
});

/** Upstream's tables, as an nft without JSON prints them. */
function upstreamTables(text: string): Promise<unknown> {
  return removeUpstreamNft({
    runner: {
      run: () => Promise.resolve({ code: 0, stdout: text, stderr: '' }),
    },
    logger: new RecordingLogger(),
    upstreamProcesses: () => Promise.resolve([]),
    ranges: [RANGE],
  });
}

const upstream = target({
  name: 'nft tables of upstream',
  promise: 'are removed or left, whatever stands in them',
  runs: 300,
  input: fc.oneof(
    mutated(SAVE_TEXTS),
    mutated(['ip saddr 10.5.0.0/16 accept\n\tip6 daddr fc00::/48 accept']),
  ),
  open: () => ({
    check: async (text) => {
      await upstreamTables(text);
    },
  }),
});

const SAVE_PIECES = [
  ...PLAIN_PIECES,
  ...['*nat\n', 'COMMIT\n', ':FLANNEL-FWD - [0:0]\n', '-A FORWARD ', '-A ', '[1:', '! ', '-s 10.5.0.0/16 '],
  ...['-j FLANNEL-FWD\n', '# Table `'],
];

export const IPTABLES_TARGETS: readonly Target[] = [
  iptablesSave,
  textGrowth('iptables listing', SAVE_PIECES, (text) => {
    parseVersion(text);
    const listing = parseSave(`*nat\n${text}\nCOMMIT\n`);
    planApply(listing, BLUE, true, { ranges: [RANGE], primary: 'auto' });
  }),
  upstream,
  textGrowth(
    'nft tables of upstream',
    ['10.5.0.0/16', 'a', ' ', '1', '.', ':', '/', '/3', '\n', 'zz'],
    upstreamTables,
  ),
];
