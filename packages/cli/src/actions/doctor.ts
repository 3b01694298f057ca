import { CommandError } from '../command-error.ts';
import { examine } from '../doctor/examine.ts';
import { countOutcomes } from '../doctor/finding.ts';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { formatDiagnosis, formatDiagnosisDocument } from '../output/diagnosis.ts';
import type { Terminal } from '../output/terminal.ts';
import { WaitingLine } from '../output/waiting-line.ts';
import { version } from '../version.ts';

/** Which operator is examined, and how what was found is printed. */
export interface DoctorOptions extends OperatorChoice {
  output: 'text' | 'json' | 'yaml';
}

/** Prints what is the matter with an operator and all around it. Rejects when there is a problem. */
export async function doctor(options: DoctorOptions, terminal: Terminal): Promise<void> {
  const { output } = options;
  const findings = await examineWith(options);
  if (output === 'text') terminal.print(formatDiagnosis(findings, terminal.colors));
  else terminal.print(formatDiagnosisDocument(findings, output));
  const { problem } = countOutcomes(findings);
  if (problem === 0) return;
  const what = problem === 1 ? 'a problem was' : `${problem} problems were`;
  throw new CommandError('failed', `${what} found; what to do stands beneath each`);
}

async function examineWith(options: DoctorOptions) {
  using line = new WaitingLine(process.stderr);
  return await examine(options, { version, node: process.version }, (what, work) => line.wait(what, work));
}
