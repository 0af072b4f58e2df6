// The command line: Go's spelling rules, our stricter errors, the environment.

import test from 'ava';
import { helpText, parseCommandLine } from '../../src/flanneld/cli.js';
import { FLAG_NAMES, redacted, type Options } from '../../src/flanneld/flags.js';

function options(argv: readonly string[], environment: Record<string, string> = {}): Options {
  const invocation = parseCommandLine(argv, environment);
  if (invocation.action !== 'run') throw new Error(`expected a run, got ${invocation.action}`);
  return invocation.options;
}

test('the defaults are flannel’s', (t) => {
  const defaults = options([]);
  t.is(defaults['etcd-endpoints'], 'http://127.0.0.1:4001,http://127.0.0.1:2379');
  t.deepEqual(defaults['etcd-prefix'], [], 'networkPlan knows which it is then');
  t.is(defaults['subnet-file'], '/run/flannel/subnet.env');
  t.is(defaults['subnet-lease-ttl'], '24h');
  t.deepEqual(defaults.iface, []);
});

test('the health listener has the address and port of the flags, and none by default', (t) => {
  t.like(options([]), { 'healthz-ip': '0.0.0.0', 'healthz-port': 0 });
  const given = options(['-healthz-ip=127.0.0.1', '-healthz-port=8081']);
  t.like(given, { 'healthz-ip': '127.0.0.1', 'healthz-port': 8081 });
});

for (const argv of [
  ['-etcd-prefix', '/x'],
  ['--etcd-prefix', '/x'],
  ['-etcd-prefix=/x'],
  ['--etcd-prefix=/x'],
]) {
  test(`${argv.join(' ')} sets the prefix`, (t) => {
    t.deepEqual(options(argv)['etcd-prefix'], ['/x']);
  });
}

test('a repeatable flag keeps its order, and another one its last value', (t) => {
  t.deepEqual(options(['-iface=eth1', '-iface', '10.0.0.1']).iface, ['eth1', '10.0.0.1']);
  t.is(options(['-public-ip=10.0.0.1', '-public-ip=10.0.0.2'])['public-ip'], '10.0.0.2');
});

for (const [text, value] of [
  ['2', 2],
  ['0x0a', 10],
  ['0b11', 3],
  ['0o7', 7],
  ['010', 8],
  ['1_0', 10],
] as const) {
  test(`the integer ${text} is ${value}, as in Go`, (t) => {
    t.is(options([`-v=${text}`]).v, value);
  });
}

for (const text of ['1', 't', 'T', 'true', 'TRUE', 'True']) {
  test(`-version=${text} asks for the version`, (t) => {
    t.is(parseCommandLine([`-version=${text}`], {}).action, 'version');
  });
}

test('the environment sets what the command line leaves open', (t) => {
  const environment = { FLANNELD_ETCD_PREFIX: '/env', FLANNELD_IFACE: 'eth0,eth1', FLANNELD_V: '' };
  t.deepEqual(options([], environment)['etcd-prefix'], ['/env']);
  t.deepEqual(options(['-etcd-prefix=/argv'], environment)['etcd-prefix'], ['/argv']);
  t.deepEqual(options([], environment).iface, ['eth0,eth1']);
  t.is(options([], environment).v, 0);
});

test('variables that Kubernetes makes for a Service named flanneld do no harm', (t) => {
  t.notThrows(() => options([], { FLANNELD_PORT: 'tcp://10.0.0.1:80', FLANNELD_VERSION: 'true' }));
});

const wrong: readonly (readonly [readonly string[], RegExp])[] = [
  [['-nonsense'], /^unknown flag -nonsense/],
  [['--nonsense=3'], /^unknown flag --nonsense/],
  [['-v', 'abc'], /^invalid value "abc" for -v: it is a whole number/],
  [['-v=08'], /^invalid value "08"/],
  [['-version=yes'], /^invalid value "yes" for -version: it is true or false/],
  [['-subnet-lease-renew-margin=-1'], /must be 0 to/],
  [['-subnet-lease-ttl=9s'], /must be 10s to/],
  [['-subnet-lease-ttl=24'], /it is a duration such as 24h or 90s/],
  [['-on-lease-lost=retry'], /it is one of exit, reacquire/],
  [['-ip-masq', 'false'], /^unexpected argument "false" after -ip-masq; write -ip-masq=false/],
  [['-etcd-prefix'], /^flag -etcd-prefix needs a value/],
  [['-etcd-prefix', '/x', 'stray'], /^unexpected argument "stray"/],
  [['status'], /^unknown command "status"/],
  [['sta\ntus'], /^unknown command "sta\\ntus"/],
  [['-x\n'], /^unknown flag -x\\n/],
  [[`-v=${'9'.repeat(5_000)}`], /^invalid value "9{100}…" for -v/],
  [['-peer-filter=maybe'], /^invalid value "maybe" for -peer-filter: it is one of on, strict, off/],
  [['-healthz-port=65536'], /must be 0 to 65535/],
  [['-healthz-port=-1'], /must be 0 to 65535/],
  [['-iptables-resync=0'], /must be 1 to 86400/],
  [['-kube-subnet-mgr'], /^-kube-subnet-mgr=true is not supported yet/],
];
for (const [argv, message] of wrong) {
  test(`flanneld ${argv.join(' ')} says in one line what is wrong`, (t) => {
    const error = t.throws(() => parseCommandLine(argv, {}), { code: 'usage', message });
    t.notRegex(error.message, /\n/);
  });
}

test('a bad environment variable is named as such', (t) => {
  t.throws(() => options([], { FLANNELD_V: 'abc' }), { message: /for FLANNELD_V/ });
});

test('the help names every flag, and never a password', (t) => {
  const help = helpText();
  for (const name of FLAG_NAMES) t.true(help.includes(`-${name}`), name);
  t.is(parseCommandLine(['-help'], { FLANNELD_ETCD_PASSWORD: 'hunter2' }).action, 'help');
});

test('a password given in any way is not in what is logged, nor in an error', (t) => {
  const logged = JSON.stringify(redacted(options(['-etcd-password=hunter2', '-etcd-username=me'])));
  t.false(logged.includes('hunter2'));
  t.true(logged.includes('(set)'));
});
