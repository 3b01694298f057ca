import type { Reporter, TestModule } from 'vitest/node';

/** A test file and its wall time, in milliseconds. */
export interface FileTime {
  file: string;
  milliseconds: number;
}

const maxFiles = 10;

/** Reporter that lists the slowest test files. List it before the one that prints the summary. */
export default class SlowestFiles implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    // Of one file, the reader knows the time from the summary.
    if (modules.length > 1) console.log(`\n${formatSlowestFiles(modules.map(timeOf))}`);
  }
}

/** Formats the slowest files, slowest first. */
export function formatSlowestFiles(times: readonly FileTime[]): string {
  const slowest = [...times].sort((a, b) => b.milliseconds - a.milliseconds).slice(0, maxFiles);
  const lines = slowest.map(({ file, milliseconds }) => `${(milliseconds / 1000).toFixed(1).padStart(8)} s  ${file}`);
  return ['Slowest test files', ...lines].join('\n');
}

/** Imports count too: some files build programs before their tests. */
function timeOf(module: TestModule): FileTime {
  const { collectDuration, setupDuration, duration } = module.diagnostic();
  return { file: module.relativeModuleId, milliseconds: collectDuration + setupDuration + duration };
}
