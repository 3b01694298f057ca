import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel, type ExtractorMessage } from '@microsoft/api-extractor';

/**
 * Compares the public API of each library with its committed reports, `packages/NAME/api/*.api.md`, one for each export path.
 * `--write` updates them. Fails when a report differs, and when a signature names a type that its export path does not export.
 */
const libraries = ['protocol', 'controller', 'sdk', 'operator', 'conformance'];

/** Generated code: `buf` owns its shape, and `buf breaking` its compatibility. */
const withoutReport = new Set(['protocol']);

const isWriting = process.argv.includes('--write');
const workspace = mkdtempSync(join(tmpdir(), 'kplug-api-'));
const installed = join(workspace, 'installed/node_modules/@kplug');

interface Manifest {
  exports: Record<string, string>;
  publishConfig: { exports: Record<string, object> };
}

/**
 * Compiles the declarations of a package into the temporary workspace, beside its package.json and its dependencies. A copy is in
 * `installed`, for the packages that import it: only types below a `node_modules` are another package's.
 */
function declare(name: string): void {
  const folder = join(workspace, name);
  mkdirSync(folder);
  cpSync(`packages/${name}/package.json`, join(folder, 'package.json'));
  symlinkSync(resolve(`packages/${name}/node_modules`), join(folder, 'node_modules'));
  const options = ['--emitDeclarationOnly', '--declarationMap', 'false', '--sourceMap', 'false'];
  execFileSync('tsc', ['-p', `packages/${name}`, '--outDir', join(folder, 'dist'), ...options], { stdio: 'inherit' });
  cpSync(folder, join(installed, name), { recursive: true, verbatimSymlinks: true });
}

/** Published export paths of a package, with the name of the report and the entry point of each. */
function entryPoints(name: string): { path: string; report: string; entry: string }[] {
  const { exports, publishConfig } = JSON.parse(readFileSync(`packages/${name}/package.json`, 'utf8')) as Manifest;
  return Object.entries(exports)
    .filter(([path]) => path in publishConfig.exports)
    .map(([path, source]) => ({
      path,
      report: path === '.' ? 'index' : path.slice('./'.length),
      entry: source.replace(/^\.\/src\//, 'dist/').replace(/\.ts$/, '.d.ts'),
    }));
}

interface Forgotten {
  symbol: string;
  problem: string;
}

/** Writes the report of an export path; returns the types that its signatures name and it does not export. */
function report(name: string, reportName: string, entry: string): Forgotten[] {
  const folder = join(workspace, name);
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: join(folder, entry),
      apiReport: {
        enabled: true,
        reportFileName: reportName,
        reportFolder: join(folder, 'api'),
        reportTempFolder: join(folder, 'temp'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      compiler: { overrideTsconfig: compilerOptions(folder, entry) },
      messages: {
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
          'ae-forgotten-export': { logLevel: ExtractorLogLevel.Warning },
          'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None },
          // The report marks such names; a list of them by line would change with unrelated code.
          'ae-undocumented': { logLevel: ExtractorLogLevel.None },
        },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
  });
  mkdirSync(join(folder, 'api'), { recursive: true });
  const forgotten: Forgotten[] = [];
  Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message: ExtractorMessage) => {
      if (message.messageId === 'ae-forgotten-export' || message.logLevel === ExtractorLogLevel.Error) {
        const symbol = /^The symbol "(\w+?)(?:_\d+)?"/.exec(message.text)?.[1] ?? '';
        forgotten.push({ symbol, problem: `@kplug/${name} (${reportName}): ${message.text}` });
      }
      message.handled = true;
    },
  });
  return forgotten;
}

/** Returns the exported names in a report. */
function exportedBy(text: string): string[] {
  return [
    ...text.matchAll(/^export (?:declare )?(?:abstract )?(?:class|interface|type|function|const|enum) (\w+)/gm),
  ].map(([, symbol = '']) => symbol);
}

function compilerOptions(folder: string, entry: string): object {
  const base = JSON.parse(readFileSync('tsconfig.base.json', 'utf8')) as { compilerOptions: object };
  const paths = Object.fromEntries(
    libraries.flatMap((library) =>
      entryPoints(library).map(({ path, entry: file }) => [
        join('@kplug', library, path),
        [join(installed, library, file)],
      ]),
    ),
  );
  const compiler = { ...base.compilerOptions, allowImportingTsExtensions: false, noEmit: true, paths };
  return { compilerOptions: compiler, include: [join(folder, entry)] };
}

try {
  for (const name of libraries) declare(name);
  const problems: string[] = [];
  for (const name of libraries.filter((library) => !withoutReport.has(library))) {
    mkdirSync(`packages/${name}/api`, { recursive: true });
    const common = new Set<string>();
    for (const { report: reportName, entry } of entryPoints(name)) {
      const forgotten = report(name, reportName, entry);
      const file = `${reportName}.api.md`;
      const current = readFileSync(join(workspace, name, 'api', file), 'utf8');
      // The main export path comes first. Others may name what it exports.
      if (reportName === 'index') for (const symbol of exportedBy(current)) common.add(symbol);
      problems.push(...forgotten.filter(({ symbol }) => !common.has(symbol)).map(({ problem }) => problem));
      const committed = `packages/${name}/api/${file}`;
      const known = existsSync(committed) ? readFileSync(committed, 'utf8') : '';
      if (isWriting) writeFileSync(committed, current);
      else if (known !== current) problems.push(`${committed} differs from the sources`);
    }
  }
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
} finally {
  rmSync(workspace, { recursive: true, force: true });
}
