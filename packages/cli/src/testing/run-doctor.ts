import { kplug, type ProcessOptions } from '@kplug/testing/kplug';
import { expect } from 'vitest';
import type { Finding } from '../doctor/finding.ts';

/** Result of `kplug doctor`. */
export interface DoctorRun {
  code: number | null;
  stderr: string;
  findings: readonly Finding[];
  counts: Readonly<Record<string, number>>;
  /** Returns the findings of a check, optionally only those about one subject. */
  about(check: string, subject?: string): Finding[];
  /** Returns a line for each finding that is not `ok`. */
  amiss(): string[];
}

/** Runs `kplug doctor -o json` and parses its output. */
export async function runDoctor(flags: readonly string[], options?: ProcessOptions): Promise<DoctorRun> {
  const { code, stdout, stderr } = await kplug(['doctor', ...flags, '-o', 'json'], options);
  const found = JSON.parse(stdout || expect.fail(stderr)) as Pick<DoctorRun, 'findings' | 'counts'>;
  return {
    code,
    stderr,
    ...found,
    about: (check, subject) =>
      found.findings.filter((finding) => finding.check === check && (!subject || finding.about === subject)),
    amiss: () =>
      found.findings.filter(({ outcome }) => outcome !== 'ok').map(({ check, message }) => `${check}: ${message}`),
  };
}
