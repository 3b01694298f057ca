import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix, resolve } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel, type ExtractorMessage } from '@microsoft/api-extractor';
import { apiPage } from './docs/reference/api.ts';
import type { GeneratedPage } from './docs/reference/markdown.ts';

/**
 * Compares the public API of each library with its committed reports, `packages/NAME/api/*.api.md`, one for each export path, and with its
 * page in `docs/reference`. `--write` updates them. Fails when a report differs, and when a signature names a type that its export path does not export.
 */
const libraries = ['protocol', 'controller', 'sdk', 'operator', 'conformance'];

/** Generated code: `buf` owns its shape, and `buf breaking` its compatibility. */
const withoutReport = new Set(['protocol']);

const isWriting = process.argv.includes('--write');
const workspace = mkdtempSync(join(tmpdir(), 'kplug-api-'));
const installed = join(workspace, 'installed/node_modules/@kplug');

interface Manifest {
  description: string;
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

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(`packages/${name}/package.json`, 'utf8')) as Manifest;
}

/** File of the model of an export path, from which its page is made. */
function modelOf(name: string, reportName: string): string {
  return join(workspace, name, 'model', `${reportName}.api.json`);
}

/** Published export paths of a package, with the name of the report and the entry point of each. */
function entryPoints(name: string): { path: string; report: string; entry: string }[] {
  const { exports, publishConfig } = manifestOf(name);
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
      docModel: { enabled: true, apiJsonFilePath: modelOf(name, reportName) },
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

/** Page of a library for readers. */
function pageOf(name: string): GeneratedPage {
  const paths = entryPoints(name).map(({ path, report: reportName }) => ({
    path: posix.join('@kplug', name, path),
    model: JSON.parse(readFileSync(modelOf(name, reportName), 'utf8')),
  }));
  return apiPage(name, manifestOf(name).description, paths);
}

/** Compares a generated file with the committed one, or writes it. Returns the problem as a list. */
function compare({ file, content }: GeneratedPage): string[] {
  if (isWriting) writeFileSync(file, content);
  else if (!existsSync(file) || readFileSync(file, 'utf8') !== content) return [`${file} differs from the sources`];
  return [];
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
      problems.push(...compare({ file: `packages/${name}/api/${file}`, content: current }));
    }
    problems.push(...compare(pageOf(name)));
  }
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
} finally {
  rmSync(workspace, { recursive: true, force: true });
}
