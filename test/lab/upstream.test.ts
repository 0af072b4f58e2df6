// Where upstream's binary is kept, and what is said when it cannot be built.

import test from 'ava';
import { buildUpstream, findUpstream, upstreamPath, UPSTREAM_VERSION } from '../../src/lab/upstream.js';

test('it is kept in the user cache, or wherever UPSTREAM_FLANNELD says', (t) => {
  t.is(upstreamPath({ XDG_CACHE_HOME: '/c' }), `/c/flanneld/upstream/${UPSTREAM_VERSION}/flannel`);
  t.regex(upstreamPath({ XDG_CACHE_HOME: 'relative' }), /^\/.*\/\.cache\/flanneld\/upstream\//);
  t.is(upstreamPath({ XDG_CACHE_HOME: '/c', UPSTREAM_FLANNELD: '/x/flannel' }), '/x/flannel');
  t.is(findUpstream({ UPSTREAM_FLANNELD: '/nowhere/flannel' }), undefined);
});

test('without Go it says which Go is needed', (t) => {
  const env = { PATH: '/nowhere', XDG_CACHE_HOME: '/nowhere' };
  t.throws(() => buildUpstream(env, () => undefined), { code: 'MISSING_NEED', message: /Go 1\.26 or newer/ });
});
