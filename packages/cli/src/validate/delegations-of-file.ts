import { existsSync } from 'node:fs';
import { DelegationView, findDelegationFaults } from '@kplug/controller/tools';
import { inspectDelegationFile } from '@kplug/operator';
import type { ValidationFinding } from './finding.ts';

/** Configuration file that is read if none is given. */
const defaultFile = 'kplug.yaml';

/** Valid delegations of a configuration file, and its faults. */
export interface FileDelegations {
  /** Missing when there is no file. */
  file?: string;
  views: DelegationView[];
  findings: ValidationFinding[];
}

/** Reads the delegations of a configuration file: the given one, else `kplug.yaml` if it exists. Never rejects. */
export async function readFileDelegations(given: string | undefined): Promise<FileDelegations> {
  const file = given ?? (existsSync(defaultFile) ? defaultFile : undefined);
  if (file === undefined) return { views: [], findings: [] };
  const fault = { file, severity: 'error', check: 'ConfigurationInvalid' } as const;
  try {
    const { delegations, faults } = await inspectDelegationFile(file);
    const valid = delegations.filter((declaration) => findDelegationFaults(declaration).length === 0);
    return {
      file,
      views: valid.map((declaration) => new DelegationView(declaration)),
      findings: faults.map((place) => ({ ...fault, ...place })),
    };
  } catch (error) {
    return { file, views: [], findings: [{ ...fault, message: (error as Error).message }] };
  }
}
