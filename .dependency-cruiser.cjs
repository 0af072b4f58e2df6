// Who may import whom: the table of ARCHITECTURE.md, enforced by `npm run lint`.

/** Plain types and values that every folder may use. */
const LEAVES =
  '^src/(logger|counters|clock|heartbeat|json|checked-json|flat-text|process-identity|own-files|network-status|network-uses)\\.ts$';

/** A rule: files of `from` may import, of our own code, only what `to` names. */
const only = (name, from, to, fromNot) => ({
  name,
  severity: 'error',
  from: { path: from, ...(fromNot === undefined ? {} : { pathNot: fromNot }) },
  to: { path: '^src/', pathNot: [LEAVES, ...to] },
});

const onlyPackage = (name, pkg, owner) => ({
  name,
  severity: 'error',
  from: { path: '^src/', pathNot: owner },
  to: { path: `node_modules/${pkg}/` },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    only('etcd-knows-nothing-of-us', '^src/etcd/', ['^src/etcd/']),
    only(
      'subnet-knows-the-client-in-its-etcd-files',
      '^src/subnet/',
      ['^src/subnet/'],
      '^src/subnet/etcd-[a-z-]+\\.ts$',
    ),
    only('etcd-registry', '^src/subnet/etcd-[a-z-]+\\.ts$', ['^src/subnet/', '^src/etcd/']),
    only('kernel-knows-addresses-only', '^src/kernel/', [
      '^src/kernel/',
      '^src/native\\.ts$',
      '^src/subnet/cidr\\.ts$',
    ]),
    only(
      'backends-top',
      '^src/backends/[^/]+\\.ts$',
      ['^src/backends/[^/]+\\.ts$', '^src/subnet/', '^src/kernel/'],
      '^src/backends/index\\.ts$',
    ),
    only('backend-folders-do-not-meet', '^src/backends/([^/]+)/', [
      '^src/backends/$1/',
      '^src/backends/(?!index)[^/]+\\.ts$',
      '^src/subnet/',
      '^src/kernel/',
    ]),
    only('health-knows-no-network', '^src/health/', [
      '^src/health/',
      '^src/api/(view|model)\\.ts$',
      '^src/probe/probe\\.ts$',
    ]),
    only(
      'state-knows-leases',
      '^src/state/',
      ['^src/state/', '^src/subnet/(cidr|errors|identity|lease|lease-codec|registry)\\.ts$'],
      '^src/state/folder\\.ts$',
    ),
    only('state-locks-in-one-file', '^src/state/folder\\.ts$', ['^src/state/', '^src/native\\.ts$']),
    only('cni-plugin-is-a-program-of-its-own', '^src/cni/', ['^src/cni/', '^src/subnet/cidr\\.ts$']),
    only('api-shows-the-daemon', '^src/api/', ['^src/api/', '^src/health/', '^src/probe/probe\\.ts$']),
    only('probe-knows-addresses-only', '^src/probe/', [
      '^src/probe/',
      '^src/native\\.ts$',
      '^src/subnet/cidr\\.ts$',
    ]),
    only('doctor-looks-at-what-it-is-given', '^src/doctor/', [
      '^src/doctor/',
      '^src/api/model\\.ts$',
      '^src/probe/probe\\.ts$',
      '^src/health/(reasons|one-line)\\.ts$',
      '^src/backends/encapsulation\\.ts$',
      '^src/kernel/',
      '^src/subnet/cidr\\.ts$',
      '^src/flanneld/(flags|subnet-env)\\.ts$',
    ]),
    only('commands-are-not-the-daemon', '^src/commands/', [
      '^src/(commands|api|doctor|health|subnet|backends|kernel|state|etcd)/',
      '^src/probe/probe\\.ts$',
      '^src/flanneld/(?!(main|compose|daemon)\\.ts)',
    ]),
    only('start-runs-a-bundle', '^src/start/', [
      '^src/(start/|commands/(index|atomic-file)\\.ts$)',
      '^src/flanneld/main\\.ts$',
    ]),
    only('lab-knows-nothing-of-the-daemon', '^src/lab/', ['^src/lab/']),
    {
      name: 'backends-see-kernel-data-only',
      severity: 'error',
      from: { path: '^src/backends/' },
      to: { path: '^src/kernel/', pathNot: ['^src/kernel/(kernel|wanted|rules|dataplane|ownership)\\.ts$'] },
    },
    {
      name: 'only-compose-builds',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: [
          '^src/flanneld/compose\\.ts$',
          '^src/flanneld/compose-[a-z]+\\.ts$',
          '^src/flanneld/etcd-options\\.ts$',
          // A command is a program of its own: what it opens is built in files of this name.
          '^src/commands/open-[a-z-]+\\.ts$',
          '^src/probe/native-[a-z-]+\\.ts$',
          '^src/clock\\.ts$',
          '^src/etcd/',
          '^src/kernel/',
          '^src/subnet/etcd-[a-z-]+\\.ts$',
          '^src/state/',
        ],
      },
      to: {
        path: [
          '^src/etcd/',
          '^src/kernel/rtnetlink/',
          '^src/kernel/tun/',
          '^src/native\\.ts$',
          '^src/subnet/etcd-[a-z-]+\\.ts$',
          '^src/state/(file-state|folder)\\.ts$',
        ],
      },
    },
    {
      name: 'backends-are-named-in-one-file',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: ['^src/backends/', '^src/flanneld/compose\\.ts$', '^src/commands/open-[a-z-]+\\.ts$'],
      },
      to: { path: '^src/backends/(index\\.ts|[^/]+/)' },
    },
    onlyPackage(
      'only-command-lines-know-yargs',
      '(@types/)?yargs(-parser)?',
      '^src/(flanneld/cli|commands/(command|parse|store-options|rows-[a-z]+))\\.ts$',
    ),
    onlyPackage('only-log-knows-bunyan', '(@types/)?bunyan', '^src/flanneld/log\\.ts$'),
    onlyPackage('only-etcd-knows-grpc', '@grpc/grpc-js', '^src/etcd/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
