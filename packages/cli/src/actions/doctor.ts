import { CommandError } from '../command-error.ts';
import { examine } from '../doctor/examine.ts';
import { countOutcomes } from '../doctor/finding.ts';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { formatDiagnosis, formatDiagnosisDocument } from '../output/diagnosis.ts';
import { ProgressLine } from '../output/progress-line.ts';
import type { Terminal } from '../output/terminal.ts';
import { version } from '../version.ts';

/** Options of `kplug doctor`. */
export interface DoctorOptions extends OperatorChoice {
  output: 'text' | 'json' | 'yaml';
}

/** Prints the findings about an operator, its plugins and its cluster. Rejects when there is a problem. */
export async function doctor(options: DoctorOptions, terminal: Terminal): Promise<void> {
  const { output } = options;
  const findings = await examineWithProgress(options);
  if (output === 'text') terminal.print(formatDiagnosis(findings, terminal.colors));
  else terminal.print(formatDiagnosisDocument(findings, output));
  const { problem } = countOutcomes(findings);
  if (problem === 0) return;
  const found = problem === 1 ? '1 problem' : `${problem} problems`;
  throw new CommandError('failed', `${found} found; see the advice below each`);
}

async function examineWithProgress(options: DoctorOptions) {
  using line = new ProgressLine(process.stderr);
  return await examine(options, { version, node: process.version }, (target, work) => line.wait(target, work));
}
