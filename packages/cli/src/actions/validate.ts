import { resolve } from 'node:path';
import { CommandError } from '../command-error.ts';
import { formatDocument } from '../output/document.ts';
import { formatGitHubAnnotations } from '../output/github-annotations.ts';
import { ProgressLine } from '../output/progress-line.ts';
import type { Terminal } from '../output/terminal.ts';
import { formatValidationJUnit } from '../output/validation-junit.ts';
import { count, formatValidation, summarizeValidation, type Validation } from '../output/validation-report.ts';
import { readFileDelegations } from '../validate/delegations-of-file.ts';
import { countSeverities, sortFindings } from '../validate/finding.ts';
import { InputReader } from '../validate/input.ts';
import { validateInput } from '../validate/validate-input.ts';

/** Options of `kplug validate`. */
export interface ValidateOptions {
  /** Files and directories with CustomResourceDefinitions. */
  crd?: string[];
  config?: string;
  namespace: string;
  /** True if warnings count as errors. */
  strict?: boolean;
  output: 'text' | 'json' | 'junit' | 'github';
}

/** Prints the findings about manifests. Rejects when one of them is an error. */
export async function validate(paths: readonly string[], options: ValidateOptions, terminal: Terminal): Promise<void> {
  const validation = await validatePaths(paths, options);
  const { resources, findings, configuration } = validation;
  const isConfigurationOnly = paths.every((path) => configuration !== undefined && resolve(path) === configuration);
  if (resources.length === 0 && findings.length === 0 && !isConfigurationOnly) {
    throw new CommandError('usage', `no resource in ${paths.join(', ')}`);
  }
  print(validation, options.output, terminal);
  const { error, warning } = countSeverities(findings);
  if (error > 0) throw new CommandError('failed', `${count(error, 'error')} found; correct the manifests`);
  if (options.strict && warning > 0) {
    throw new CommandError('failed', `${count(warning, 'warning')} found, which --strict treats as errors`);
  }
}

async function validatePaths(
  paths: readonly string[],
  { crd = [], config, namespace }: ValidateOptions,
): Promise<Validation & { configuration: string | undefined }> {
  using progress = new ProgressLine(process.stderr);
  const delegations = await readFileDelegations(config);
  const configuration = delegations.file === undefined ? undefined : resolve(delegations.file);
  const skipped = new Set(configuration === undefined ? [] : [configuration]);
  const reader = new InputReader({ namespace, skipped });
  const input = await progress.wait('the files', reader.read(paths));
  const sources = await progress.wait('the files', reader.read(crd));
  const { documents } = input;
  const { faults, withoutSchema } = await progress.wait(
    `the validation of ${count(documents.length, 'resource')}`,
    validateInput(documents, sources.documents, delegations.views),
  );
  const findings = [...delegations.findings, ...input.problems, ...sources.problems, ...reader.locate(faults)];
  const { files } = input;
  return { files, resources: documents, withoutSchema, findings: sortFindings(findings), configuration };
}

function print(validation: Validation, output: ValidateOptions['output'], terminal: Terminal): void {
  const { findings, files, resources, withoutSchema } = validation;
  if (output === 'text') {
    const { isTTY, columns } = process.stdout;
    terminal.print(formatValidation(validation, terminal.colors, isTTY ? columns || 80 : undefined));
    return;
  }
  if (output === 'json') {
    const { error: errors, warning: warnings } = countSeverities(findings);
    const summary = { files: files.length, resources: resources.length, withoutSchema, errors, warnings };
    terminal.print(formatDocument({ findings, summary }, 'json'));
  } else if (output === 'junit') terminal.print(formatValidationJUnit(validation));
  else if (findings.length > 0) terminal.print(formatGitHubAnnotations(findings));
  terminal.say(summarizeValidation(validation));
}
