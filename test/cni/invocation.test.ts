// The CNI_* variables: what is missing is named, and no name becomes a path.

import test from 'ava';
import fc from 'fast-check';
import { CniError } from '../../src/cni/errors.js';
import { readInvocation, type Environment } from '../../src/cni/invocation.js';
import { holds } from '../subnet/property.js';
import { World } from './world.js';

const ADD: Environment = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'c0ffee',
  CNI_IFNAME: 'eth0',
  CNI_NETNS: '/var/run/netns/x',
  CNI_PATH: '/opt/cni/bin',
};

const BAD: readonly (readonly [string, Environment, string])[] = [
  ['no command', { ...ADD, CNI_COMMAND: '' }, 'required env variables [CNI_COMMAND] missing'],
  ['a command nobody knows', { ...ADD, CNI_COMMAND: 'PUT' }, 'unknown CNI_COMMAND: "PUT"'],
  ['a command of JavaScript’s', { ...ADD, CNI_COMMAND: 'constructor' }, 'unknown CNI_COMMAND: "constructor"'],
  [
    'nothing but a command',
    { CNI_COMMAND: 'ADD' },
    'required env variables [CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH] missing',
  ],
  ['no netns at ADD', { ...ADD, CNI_NETNS: '' }, 'required env variables [CNI_NETNS] missing'],
  [
    'no netns at CHECK',
    { ...ADD, CNI_COMMAND: 'CHECK', CNI_NETNS: undefined },
    'required env variables [CNI_NETNS] missing',
  ],
  ['no path at GC', { CNI_COMMAND: 'GC' }, 'required env variables [CNI_PATH] missing'],
  ['no path at STATUS', { CNI_COMMAND: 'STATUS' }, 'required env variables [CNI_PATH] missing'],
  [
    'a container id that is a path',
    { ...ADD, CNI_CONTAINERID: '../../etc/passwd' },
    'invalid characters in containerID',
  ],
  [
    'a container id with a line break',
    { ...ADD, CNI_CONTAINERID: 'a\nb' },
    'invalid characters in containerID',
  ],
  [
    'a container id of 300 letters',
    { ...ADD, CNI_CONTAINERID: 'a'.repeat(300) },
    'invalid characters in containerID',
  ],
  ['an interface that is a path', { ...ADD, CNI_IFNAME: '../eth0' }, 'interface name is invalid'],
  ['an interface `..`', { ...ADD, CNI_IFNAME: '..' }, 'interface name is invalid'],
  ['an interface with a blank', { ...ADD, CNI_IFNAME: 'eth 0' }, 'interface name is invalid'],
  ['an interface of 16 letters', { ...ADD, CNI_IFNAME: 'a'.repeat(16) }, 'interface name is too long'],
  ['a netns with a line break', { ...ADD, CNI_NETNS: '/a\nb' }, 'CNI_NETNS is not a path'],
];
for (const [what, env, message] of BAD) {
  test(`${what}: an error of number 4`, (t) => {
    t.is(t.throws(() => readInvocation(env), { instanceOf: CniError, message }).code, 4);
  });
}

test('DEL does without a netns', (t) => {
  t.is(readInvocation({ ...ADD, CNI_COMMAND: 'DEL', CNI_NETNS: '' }).netns, '');
});

test('any variables are a call or an error of number 4, and names that pass are names of files', (t) => {
  const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('..', 'eth0', 'c0ffee', '/x'));
  holds(
    t,
    fc.property(fc.constantFrom('ADD', 'DEL', 'CHECK'), value, value, value, (command, id, ifname, netns) => {
      try {
        const env = {
          CNI_COMMAND: command,
          CNI_CONTAINERID: id,
          CNI_IFNAME: ifname,
          CNI_NETNS: netns,
          CNI_PATH: '/x',
        };
        const call = readInvocation(env);
        t.notRegex(call.containerId + call.ifname, /[/:\s\0]/);
      } catch (error) {
        if (!(error instanceof CniError)) throw error;
        t.is(error.code, 4);
      }
    }),
    { numRuns: 500 },
  );
});

test('hostile names leave no file anywhere', async (t) => {
  const world = await World.create(t);
  for (const wishes of [{ containerId: '../evil' }, { containerId: 'a/../../evil' }, { ifname: '../evil' }]) {
    for (const command of ['ADD', 'DEL', 'CHECK']) t.is(world.call(command, {}, wishes).error.code, 4);
  }
  t.is(world.commands(), '');
  t.deepEqual([world.state(), world.uses()], [[], []]);
});
