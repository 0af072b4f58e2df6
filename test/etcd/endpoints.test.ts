// Endpoint lists: what is accepted, and how each mistake is named.

import test from 'ava';

import { EndpointError, parseEndpoints } from '../../src/etcd/endpoints.js';

const read = (list: string): string[] =>
  parseEndpoints(list).map(({ text, target, secure }) => `${text} ${target} ${secure ?? 'either'}`);

test('schemes, spaces, slashes and ports are optional', (t) => {
  t.deepEqual(read('http://127.0.0.1:4001, https://etcd.local:2379/ ,10.0.0.3:2379,HTTP://h'), [
    'http://127.0.0.1:4001 dns:127.0.0.1:4001 false',
    'https://etcd.local:2379 dns:etcd.local:2379 true',
    '10.0.0.3:2379 dns:10.0.0.3:2379 either',
    'http://h:2379 dns:h:2379 false',
  ]);
});

test('IPv6 addresses and unix sockets are endpoints too', (t) => {
  t.deepEqual(read('http://[fd00::1]:2379//,unix:///run/etcd.sock'), [
    'http://[fd00::1]:2379 dns:[fd00::1]:2379 false',
    'unix:///run/etcd.sock unix:/run/etcd.sock false',
  ]);
  t.is(parseEndpoints('https://[fd00::1]:2379')[0]?.host, 'fd00::1');
});

test('blank entries and repetitions do not count', (t) => {
  t.deepEqual(read('http://a:1,,http://a:1/, '), ['http://a:1 dns:a:1 false']);
});

for (const [list, message] of [
  ['', /the list is empty/],
  [' , ', /the list is empty/],
  ['ftp://a:1', /"ftp:\/\/a:1": scheme ftp is not known; use http, https or unix/],
  ['http://a:1/v3', /"http:\/\/a:1\/v3": it has a path/],
  ['http://a:0', /port 0 is not between/],
  ['http://a:65536', /port 65536 is not between/],
  ['http://fd00::1:2379', /an IPv6 address stands in brackets/],
  ['http://', /not host:port/],
  ['http://a b:1', /not host:port/],
  ['http://a\0:1', /"http:\/\/a\\u0000:1": not host:port/],
  [`http://${'a'.repeat(254)}`, /^etcd endpoint "http:\/\/a{93}…": not host:port/],
  [`http://a${'/'.repeat(200_000)}b`, /…": it has a path/],
  ['unix://run/etcd.sock', /not absolute/],
] as const) {
  test(`"${list}" is refused with its reason`, (t) => {
    const error = t.throws(() => parseEndpoints(list), { instanceOf: EndpointError });
    t.regex(error.message, message);
  });
}

test('a password in an endpoint is refused without being quoted', (t) => {
  const error = t.throws(() => parseEndpoints('http://user:se@cret@etcd:2379'), {
    instanceOf: EndpointError,
  });
  t.regex(error.message, /etcd:2379/);
  t.false(error.message.includes('cret'));
});

test('no part of a password with a comma is quoted either', (t) => {
  for (const list of ['http://user:se,cret@etcd:2379', 'http://a:1,user:12,34@etcd:2379,http://b:1']) {
    const error = t.throws(() => parseEndpoints(list), { instanceOf: EndpointError });
    t.regex(error.message, /…@etcd:2379: it holds a user name or password/);
    t.notRegex(error.message, /user:|cret|34/);
  }
});
