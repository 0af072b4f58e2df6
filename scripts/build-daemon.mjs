// Bundles the daemon and its commands into dist/daemon, so that a start reads a few files in place of hundreds and nothing of
// node_modules is needed at run time: daemon.cjs, whose compiled code is kept beside it (src/start); commands.mjs, with chunks
// that are loaded when they are needed; start.cjs, the program; make-code-cache.cjs, for those who install it.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
const OUT = join(ROOT, 'dist/daemon');

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  // Names stay, because stack traces are read by people.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
};

/** What packages would load for things that are not used here: rotating log files, and reading .proto files. */
const UNUSED = /^(mv|dtrace-provider|moment|source-map-support|@grpc\/proto-loader)$/;

const withoutUnused = {
  name: 'without-unused',
  setup(builder) {
    builder.onResolve({ filter: UNUSED }, ({ path }) => ({ path, namespace: 'unused' }));
    builder.onLoad({ filter: /.*/, namespace: 'unused' }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is not in this bundle`)});`,
    }));
  },
};

const commandsApart = {
  name: 'commands-apart',
  setup(builder) {
    builder.onResolve({ filter: /\/commands\/index\.js$/ }, () => ({
      path: './commands.mjs',
      external: true,
    }));
  },
};

/** One file of CommonJS: V8 keeps compiled code of no other kind. */
const COMMONJS = {
  ...COMMON,
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  banner: { js: "const ownUrl=require('node:url').pathToFileURL(__filename).href;" },
};
const OWN_URL = { 'import.meta.url': 'ownUrl' };

async function bundleDaemon(outdir) {
  const { metafile } = await build({
    ...COMMONJS,
    entryPoints: { daemon: join(ROOT, 'src/flanneld/main.ts') },
    outdir,
    define: { ...OWN_URL, FLANNELD_VERSION: JSON.stringify(version) },
    plugins: [withoutUnused, commandsApart],
  });
  const bytes = readFileSync(join(outdir, 'daemon.cjs'));
  if (bytes.some((byte) => byte > 0x7f)) throw new Error('daemon.cjs is not in ASCII, as src/start expects');
  return { metafile, hash: createHash('sha256').update(bytes).digest('hex').slice(0, 16) };
}

async function bundleCommands(outdir) {
  const { metafile } = await build({
    ...COMMON,
    entryPoints: { commands: join(ROOT, 'src/commands/index.ts') },
    outdir,
    outExtension: { '.js': '.mjs' },
    splitting: true,
    format: 'esm',
    // Packages written in CommonJS ask for Node's own modules by require.
    banner: {
      js: "import{createRequire as requireOf}from'node:module';const require=requireOf(import.meta.url);",
    },
    plugins: [withoutUnused],
  });
  return metafile;
}

async function bundleStart(outdir, hash) {
  await build({
    ...COMMONJS,
    entryPoints: {
      start: join(ROOT, 'src/start/main.ts'),
      'make-code-cache': join(ROOT, 'src/start/make-code-cache.ts'),
    },
    outdir,
    define: { ...OWN_URL, FLANNELD_BUILD: JSON.stringify(hash) },
    plugins: [commandsApart],
  });
}

/** For this Node and this folder, as a checkout runs it; a package makes its own where it is installed. */
function makeCodeCache(outdir) {
  const { status, stderr } = spawnSync(process.execPath, [join(outdir, 'make-code-cache.cjs')], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`no code cache: ${stderr}`);
}

/** The npm packages that have something in the bundles, by name. */
function packagesOf(metafiles) {
  const inputs = metafiles
    .flatMap(({ outputs }) => Object.values(outputs))
    .flatMap((output) => Object.entries(output.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0));
  const names = inputs.map(([path]) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

async function bundle(outdir) {
  const { metafile, hash } = await bundleDaemon(outdir);
  const metafiles = [metafile, await bundleCommands(outdir)];
  await bundleStart(outdir, hash);
  // The licences of those go into the Debian package (scripts/package/licences.mjs).
  writeFileSync(join(outdir, 'packages.json'), JSON.stringify(packagesOf(metafiles)));
}

try {
  const fresh = `${OUT}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  try {
    await bundle(fresh);
    rmSync(OUT, { recursive: true, force: true });
    renameSync(fresh, OUT);
    makeCodeCache(OUT);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
} catch (error) {
  process.stderr.write(`build-daemon: ${error.message}\n`);
  process.exit(1);
}
