// Errno names, and what an error of the kernel says.

import test from 'ava';
import { errnoName, errnoOf, kernelError, operationName } from '../../src/kernel/operation-errors.js';
import { of, peer } from '../contract/kernel-world.js';

test('errnos have the names the kernel’s texts use', (t) => {
  t.deepEqual([1, 2, 11, 17, 95, 105].map(errnoName), [
    'EPERM',
    'ENOENT',
    'EAGAIN',
    'EEXIST',
    'EOPNOTSUPP',
    'ENOBUFS',
  ]);
  t.is(errnoName(524), 'E524');
  t.is(errnoOf('ENOBUFS'), 105);
  t.is(errnoOf('ENONSENSE'), 0);
});

test('a missing privilege says what to do', (t) => {
  const error = kernelError('create link flannel.1', 1);
  t.is(error.message, 'create link flannel.1: EPERM; run as root or with CAP_NET_ADMIN');
  t.like(error, { name: 'KernelError', code: 'EPERM', errno: 1, extack: undefined });
});

test('other errors carry the kernel’s words', (t) => {
  const error = kernelError('x', 17, 'it is there');
  t.like(error, { message: 'x: EEXIST (it is there)', extack: 'it is there' });
});

test('an operation is named by its verb and its object', (t) => {
  const { route, neighbour, fdb } = peer(4, 4);
  t.deepEqual(
    [
      of.route('replace', route),
      of.neighbour('delete', neighbour),
      of.fdb('create', fdb),
      of.deleteLink(4),
    ].map(operationName),
    [
      'replace route 10.5.9.0/24 via 10.5.9.0 dev #4 proto 241 onlink',
      'delete neighbour 10.5.9.0 dev #4 lladdr 7e:18:59:77:82:2b PERMANENT',
      'create FDB entry 7e:18:59:77:82:2b dev #4 dst 192.168.50.2 self permanent',
      'delete link #4',
    ],
  );
});
