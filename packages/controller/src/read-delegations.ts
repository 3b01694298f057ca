import type { ControllerOptions } from './controller-options.ts';
import { type DelegationSettings, readDeclaration } from './delegation/delegation-settings.ts';
import { KplugError } from './errors.ts';
import { defaultAdmission } from './selection/admission.ts';

/** Reads the delegations among a controller's options. Throws `InvalidConfiguration`. */
export function readDelegations({
  delegations = [],
  followDelegations,
  concurrency,
  resources,
}: ControllerOptions): DelegationSettings[] {
  const admission = defaultAdmission(resources.services?.namespace ?? '');
  const settings = delegations.map((declaration) => readDeclaration(declaration, { concurrency, admission }));
  if (settings.length === 0 && !followDelegations)
    throw new KplugError('InvalidConfiguration', 'no delegation is declared; declare one');
  for (const [index, { name }] of settings.entries()) {
    const isTaken = settings.findIndex((other) => other.name === name) !== index;
    if (isTaken) throw new KplugError('InvalidConfiguration', `two delegations are named "${name}"; rename one`);
  }
  return settings;
}
