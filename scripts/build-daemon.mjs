// Bundles the daemon and its commands into dist/daemon: flanneld.mjs and chunks that are loaded when they are needed. A start reads
// few files in place of hundreds, and keeps less of them in memory; nothing of node_modules is needed at run time.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
const OUT = join(ROOT, 'dist/daemon');

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

async function bundle(outdir) {
  const { metafile } = await build({
    entryPoints: { flanneld: join(ROOT, 'src/flanneld/main.ts') },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    // Names stay, because stack traces are read by people.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    define: { FLANNELD_VERSION: JSON.stringify(version) },
    // Packages written in CommonJS ask for Node's own modules by require.
    banner: {
      js: "import{createRequire as requireOf}from'node:module';const require=requireOf(import.meta.url);",
    },
    metafile: true,
    logLevel: 'warning',
  });
  // What an installed launcher hands to node, whose own flags it sets.
  const start = "import{main}from'./flanneld.mjs';await main(process.argv.slice(2),process.env);\n";
  writeFileSync(join(outdir, 'start.mjs'), start);
  // The licences of those go into the Debian package (scripts/package/licences.mjs).
  writeFileSync(join(outdir, 'packages.json'), JSON.stringify(packagesOf(metafile)));
}

/** The npm packages that have something in the bundle, by name. */
function packagesOf({ outputs }) {
  const inputs = Object.values(outputs).flatMap((output) =>
    Object.entries(output.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0),
  );
  const names = inputs.map(([path]) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

try {
  const fresh = `${OUT}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  try {
    await bundle(fresh);
    rmSync(OUT, { recursive: true, force: true });
    renameSync(fresh, OUT);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
} catch (error) {
  process.stderr.write(`build-daemon: ${error.message}\n`);
  process.exit(1);
}
