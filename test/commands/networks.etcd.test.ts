// The commands on networks against a real etcd, with etcdctl as the witness; and `validate`, which needs none.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { etcdctl, etcdFor, hasEtcd } from '../helpers/etcd.js';
import { command, type CommandRun } from '../helpers/run-command.js';
import { tempFolder } from '../helpers/temp-folder.js';

const NETWORKS = '/flannel/networks';

interface Scene {
  readonly env: Readonly<Record<string, string>>;
  readonly flanneld: (words: string, input?: string) => Promise<CommandRun>;
  readonly get: (key: string) => Promise<string>;
  readonly put: (key: string, value: string) => Promise<void>;
}

async function scene(t: ExecutionContext): Promise<Scene> {
  const { endpoint } = await etcdFor(t);
  const env = { FLANNELD_ETCD_ENDPOINTS: endpoint, FLANNELD_NETWORKS_PREFIX: NETWORKS };
  return {
    env,
    flanneld: (words, input) =>
      command(words.split(' '), {
        env,
        ...(input === undefined ? {} : { input }),
      }),
    get: async (key) => (await etcdctl(endpoint, ['get', '--print-value-only', key])).trim(),
    put: async (key, value) => {
      await etcdctl(endpoint, ['put', key], value);
    },
  };
}

test.serial('a network is added, listed, changed and removed', async (t) => {
  if (!hasEtcd(t)) return;
  const { flanneld, get, put } = await scene(t);
  const added = await flanneld(
    'networks add blue --network-range=10.20.0.0/16 --backend=vxlan --vni=20 --yes',
  );
  t.is(added.code, 0, added.err);
  t.is(
    await get(`${NETWORKS}/blue/config`),
    '{"Network":"10.20.0.0/16","Backend":{"Type":"vxlan","VNI":20}}',
  );
  t.regex(added.err, /joins it within two seconds/);
  t.regex(
    (await flanneld('networks add blue --network-range=10.20.0.0/16 --yes')).err,
    /has a config already/,
  );

  await put(`${NETWORKS}/blue/subnets/10.20.9.0-24`, '{"PublicIP":"192.168.50.2","BackendType":"vxlan"}');
  await put(`${NETWORKS}/config`, '{}');
  await put(`${NETWORKS}/Bad_Name/config`, '{}');
  await put(`${NETWORKS}/broken/config`, '{"Network":');
  const list = await flanneld('networks list');
  t.regex(list.out, /blue +10\.20\.0\.0\/16 in \/24 +vxlan VNI=20 +1 of 255/);
  t.regex(list.out, /broken .*not valid JSON/);
  t.regex(list.err, /"Bad_Name" is no network/);

  const live = await flanneld('networks set blue Backend.MTU=1400 --yes --json');
  t.is((JSON.parse(live.out) as { change: string }).change, 'live');
  t.regex(live.err, /Taken over as it runs/);
  t.regex(await get(`${NETWORKS}/blue/config`), /"MTU":1400/);
  const refused = await flanneld('networks set blue Backend.VNI=21 --yes');
  t.deepEqual([refused.code, /--force/.test(refused.err)], [1, true]);
  t.is((await flanneld('networks set blue Backend.VNI=21 Replace=true --yes')).code, 0);
  t.regex((await flanneld('networks set blue Backend.VNI=21 --yes')).out, /nothing to change/);

  const removed = await flanneld('networks remove blue --yes');
  t.is(removed.code, 0);
  t.regex(removed.err, /1 node has a lease of it/);
  t.is(await get(`${NETWORKS}/blue/config`), '');
  t.is((await flanneld('networks remove blue --yes')).code, 1);
});

test.serial('what cannot be together is told before it is written', async (t) => {
  if (!hasEtcd(t)) return;
  const { flanneld, get } = await scene(t);
  t.is((await flanneld('networks add blue --network-range=10.20.0.0/16 --yes')).code, 0);
  const overlapping = await flanneld('networks add red --network-range=10.20.0.0/15 --vni=2');
  t.deepEqual(
    [overlapping.code, /Warning: .*overlaps network blue/.test(overlapping.err)],
    [2, true],
    overlapping.err,
  );
  t.is(await get(`${NETWORKS}/red/config`), '');
});

test.serial('a config comes from standard input, and a bad one is not written', async (t) => {
  if (!hasEtcd(t)) return;
  const { flanneld, get } = await scene(t);
  const text = '{"Network":"10.30.0.0/16","Backend":{"Type":"host-gw"}}';
  t.is((await flanneld('networks add green --file=- --yes', text)).code, 0);
  t.is(await get(`${NETWORKS}/green/config`), text);
  const bad = await flanneld(
    'networks set green --file=- --yes',
    '{"Network":"10.30.0.0/16",\n"SubnetLen":77}',
  );
  t.deepEqual([bad.code, /-: 2:13: SubnetLen/.test(bad.err)], [1, true], bad.err);
  t.is(await get(`${NETWORKS}/green/config`), text);
  t.is((await flanneld('networks add Bad_Name --network-range=10.31.0.0/16 --yes')).code, 2);
});

test.serial('what was written or deleted meanwhile is not written over', async (t) => {
  if (!hasEtcd(t)) return;
  const { flanneld, get, put, env } = await scene(t);
  const key = `${NETWORKS}/blue/config`;
  const other = '{"Network":"10.20.0.0/16","IPMasq":true}';
  const late = async (words: string): Promise<number> => {
    const typed = async (): Promise<string> => {
      await put(key, other);
      return 'y\n';
    };
    return (await command(words.split(' '), { env, typed })).code;
  };
  t.is(await late('networks add blue --network-range=10.20.0.0/16'), 1);
  t.is(await late('networks set blue IPMasq=false'), 1);
  t.is(await late('networks remove blue'), 1);
  t.is(await get(key), other);
  t.is((await flanneld('networks remove blue --yes')).code, 0);
});

test('validate needs no etcd, and says line and column', async (t) => {
  const file = join(await tempFolder(t), 'net.json');
  await writeFile(file, '{\n  "Network": "10.5.0.0/16",\n  "SubnetLen": 24,\n}\n');
  const bad = await command(['networks', 'validate', file]);
  t.deepEqual([bad.code, bad.out], [1, '']);
  t.true(bad.err.startsWith(`${file}:4:1: `), bad.err);
  await writeFile(file, '{"Network": "10.5.0.0/16", "Backend": {"Type": "vxlan", "VNI": 7}}');
  t.deepEqual(await command(['networks', 'validate', file]), {
    code: 0,
    out: `${file}: valid: 10.5.0.0/16 in /24, vxlan VNI=7\n`,
    err: '',
  });
  t.is((await command(['networks', 'validate', '-'], { input: '{"Network":"10.5.0.0/16"}' })).code, 0);
  t.is((await command(['networks', 'validate', `${file}.not`])).code, 1);
});
