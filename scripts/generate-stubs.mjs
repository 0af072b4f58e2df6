// Writes src/etcd/generated/ anew from src/etcd/proto/: run it after a change there, and commit the result.
// protoc and ts-proto do the work; afterwards the stubs are pointed at src/etcd/wire.ts, our own byte level.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tool = (name) => join(root, 'node_modules', '.bin', name);
const source = join(root, 'src/etcd/proto');
const target = join(root, 'src/etcd/generated');
const scratch = mkdtempSync(join(tmpdir(), 'flanneld-stubs-'));

// int64 as bigint: lease ids and revisions do not fit a number. Only what is called is generated: no JSON,
// no partial messages, no client classes; call.ts needs the method tables and nothing else.
const options = [
  'env=both',
  'forceLong=bigint',
  'oneof=unions-value',
  'enumsAsLiterals=true',
  'unrecognizedEnum=false',
  'outputServices=generic-definitions',
  'outputClientImpl=false',
  'outputJsonMethods=false',
  'outputPartialMethods=false',
  'exportCommonSymbols=false',
  'comments=false',
  'importSuffix=.js',
  'esModuleInterop=true',
];

try {
  execFileSync(
    tool('protoc'),
    [
      `--plugin=protoc-gen-ts_proto=${tool('protoc-gen-ts_proto')}`,
      `--ts_proto_out=${scratch}`,
      `--ts_proto_opt=${options.join(',')}`,
      `--proto_path=${source}`,
      ...readdirSync(source).filter((name) => name.endsWith('.proto')),
    ],
    { stdio: 'inherit' },
  );
  for (const name of readdirSync(scratch)) {
    const text = readFileSync(join(scratch, name), 'utf8');
    const ours = text.replaceAll('"@bufbuild/protobuf/wire"', '"../wire.js"');
    if (ours === text) throw new Error(`${name}: no import of the wire package found to replace`);
    writeFileSync(join(target, name), ours);
  }
} finally {
  rmSync(scratch, { recursive: true });
}
