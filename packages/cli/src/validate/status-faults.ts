import { type DelegationView, isJsonObject } from '@kplug/controller/tools';
import { checkDelegatedDefinition } from '../doctor/check-definitions.ts';
import { objectOf, objectsIn } from '../doctor/read-json.ts';
import type { DefinedKind } from './definitions.ts';
import { splitApiVersion } from './document.ts';
import type { DocumentFault } from './finding.ts';

/** Finds the faults of the definition of a delegated kind: without its fields, the API server rejects the statuses of the operator. */
export function findStatusFaults(view: DelegationView, { document, isNamespaced }: DefinedKind): DocumentFault[] {
  const definition = objectOf(isJsonObject(document.value) ? document.value : {});
  const { names, versions } = objectOf(definition.spec);
  const { base, name: delegation, hasDependents, asksCapability } = view;
  const index = objectsIn(versions).findIndex(({ name }) => name === splitApiVersion(base).version);
  if (index < 0) return [];
  const hasStatus = isJsonObject(objectOf(objectsIn(versions)[index]?.subresources).status);
  const served = { ...base, plural: String(objectOf(names).plural), namespaced: isNamespaced, hasStatus };
  const findings = checkDelegatedDefinition({
    delegation,
    kind: base,
    role: 'base',
    hasDependents,
    asksCapability,
    served: { value: served },
    definition: { value: definition },
    similar: [],
  });
  return findings.flatMap(({ outcome, message, advice }) => {
    if (outcome !== 'problem' && outcome !== 'warning') return [];
    const text = [message, ...advice].join('; ').replaceAll(/\s*\n\s*/g, ' ');
    const severity = outcome === 'problem' ? 'error' : 'warning';
    return [{ check: 'StatusNotKept', severity, path: ['spec', 'versions', index], message: text }];
  });
}
