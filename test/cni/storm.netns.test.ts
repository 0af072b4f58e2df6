// Two hundred pods come and go, twenty at a time, with the delegate failing and with the plugin and its delegate killed at any
// moment: nothing leaks. Addresses, links, states and uses are counted before and after.

import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { DEBIAN_PLUGINS, hasPlugins } from '../helpers/cni-plugin.js';
import { CniScene, DATA_DIR, listOf } from '../helpers/cni-scene.js';
import type { Attachment, PluginConf } from '../../src/lab/cni-runtime.js';
import { canMakeHosts } from '../helpers/lab.js';
import { seededRandom } from '../fakes/seeded-random.js';

const ROUNDS = 200;
const AT_ONCE = 20;
const CONF: PluginConf = { ...listOf('cbr0').plugins[0], type: 'flannel', name: 'cbr0', cniVersion: '1.0.0' };

// Stands before Debian's bridge: by chance it fails at once, fails after it has done its work, or is killed in the middle.
const UNRELIABLE = `#!/bin/bash
case $((RANDOM % 8)) in
  0) echo '{"code":11,"msg":"not now"}'; exit 1;;
  1) ${DEBIAN_PLUGINS}/bridge >/dev/null; echo '{"code":11,"msg":"too late"}'; exit 1;;
  2) ${DEBIAN_PLUGINS}/bridge >/dev/null 2>&1 & sleep 0.0$((RANDOM % 9)); kill -9 $$;;
esac
exec ${DEBIAN_PLUGINS}/bridge
`;

type Fault = 'none' | 'plugin-killed' | 'twice';

test('nothing leaks, whatever fails', async (t) => {
  if (!canMakeHosts(t) || !hasPlugins(t)) return;
  t.timeout(300_000);
  const scene = await CniScene.create(t);
  await writeFile(join(scene.bin, 'bridge.new'), UNRELIABLE, { mode: 0o755 });
  await rename(join(scene.bin, 'bridge.new'), join(scene.bin, 'bridge'));
  const seed = Number(process.env['FLANNELD_TEST_SEED'] ?? Date.now() % 1_000_000);
  const random = seededRandom(seed);
  t.log(`seed ${seed}`);
  const outcomes = new Map<string, number>();
  const count = (what: string): void => {
    outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
  };

  const pods = await Promise.all(Array.from({ length: AT_ONCE }, () => scene.pod()));
  let rounds = 0;
  const lane = async (pod: (typeof pods)[number]): Promise<void> => {
    for (let round = 0; rounds++ < ROUNDS; round++) {
      const attachment = { ...scene.attachment(pod), containerId: `${pod.containerId}-${round}` };
      const fault: Fault =
        (['none', 'plugin-killed', 'plugin-killed', 'twice'] as const)[Math.floor(random() * 4)] ?? 'none';
      count(await addWith(scene, attachment, fault, random() * 150));
      count(await delUntilGone(scene, attachment));
    }
  };
  await Promise.all(pods.map(lane));
  t.log([...outcomes].map(([what, number]) => `${what} ${number}`).join(', '));
  t.deepEqual(await scene.standing(), CniScene.NOTHING);
  t.deepEqual(scene.names(DATA_DIR), []);
  for (const pod of pods) t.regex(await pod.place.must('ip', ['-o', 'link']), /^1: lo[^\n]*\n$/);
  t.is(outcomes.get('added twice'), undefined, 'of two at once, one wins');
  t.is(outcomes.get('never deleted'), undefined);
  t.true((outcomes.get('added') ?? 0) > 0 && (outcomes.get('killed') ?? 0) > 0);
});

async function addWith(
  scene: CniScene,
  attachment: Attachment,
  fault: Fault,
  killAfterMs: number,
): Promise<string> {
  if (fault === 'plugin-killed') {
    const outcome = await scene.runtime.run('ADD', 'flannel', CONF, attachment, {
      started: (pid) => {
        setTimeout(kill, killAfterMs, pid);
      },
    });
    return outcome.signal === null ? (outcome.code === 0 ? 'added' : 'failed') : 'killed';
  }
  const calls = Array.from({ length: fault === 'twice' ? 2 : 1 }, () =>
    scene.runtime.run('ADD', 'flannel', CONF, attachment),
  );
  const codes = (await Promise.all(calls)).map(({ code }) => code);
  return codes.filter((code) => code === 0).length > 1
    ? 'added twice'
    : codes.includes(0)
      ? 'added'
      : 'failed';
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended before.
  }
}

/** As a runtime does: until it succeeds. */
async function delUntilGone(scene: CniScene, attachment: Attachment): Promise<string> {
  for (let attempt = 1; attempt <= 40; attempt++) {
    const { code } = await scene.runtime.run('DEL', 'flannel', CONF, attachment);
    if (code === 0) return attempt === 1 ? 'deleted' : 'deleted later';
  }
  return 'never deleted';
}
