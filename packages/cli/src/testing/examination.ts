import { expect } from 'vitest';
import type { Finding } from '../doctor/finding.ts';
import { kplug, type ProcessOptions } from './kplug-process.ts';

/** What a doctor found. */
export interface Examination {
  code: number | null;
  stderr: string;
  findings: readonly Finding[];
  counts: Readonly<Record<string, number>>;
  /** The findings of a check; only those about a subject, if one is given. */
  about(check: string, subject?: string): Finding[];
  /** What isn't well, each in a line. */
  amiss(): string[];
}

/** Runs `kplug doctor`, and reads what it found as programs do. */
export async function examineWith(flags: readonly string[], options?: ProcessOptions): Promise<Examination> {
  const { code, stdout, stderr } = await kplug(['doctor', ...flags, '-o', 'json'], options);
  const found = JSON.parse(stdout || expect.fail(stderr)) as Pick<Examination, 'findings' | 'counts'>;
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
