import type { ResourceKind } from '@kplug/controller';
import type { DelegationView } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import type { ApiDescription } from './plugin-description.ts';

/** Kind that the user named. */
export interface GivenKind {
  /** Group and version, such as `example.org/v1alpha1`. */
  apiVersion?: string;
  kind?: string;
}

/** Returns the kind of the bases of an API: the given one, else that of its delegation. Throws a `CommandError` if there is none. */
export function findBaseKind(api: ApiDescription, view: DelegationView | undefined, given: GivenKind): ResourceKind {
  const kind = given.kind ?? view?.base.kind ?? api.name;
  const apiVersion = given.apiVersion ?? view?.base.apiVersion;
  if (apiVersion?.includes('/')) return { apiVersion, kind };
  const found = apiVersion === undefined ? `no delegation has the API ${api.name}` : `${apiVersion} has no group`;
  const message = `the group and version of ${kind} are not known, as ${found}; give --api-version example.org/v1alpha1, or --config`;
  throw new CommandError('usage', message);
}

/** Returns the kind of extensions: that of the delegation, else in the group and version of the base. @param key `Kind` or `Kind.group` */
export function findExtensionKind(key: string, base: ResourceKind, view: DelegationView | undefined): ResourceKind {
  const [kind = '', ...labels] = key.split('.');
  const group = labels.join('.');
  const declared = view?.extensionKinds.find((one) => {
    return one.kind === kind && (group === '' || one.apiVersion.startsWith(`${group}/`));
  });
  if (declared) return declared;
  const [baseGroup = '', version = ''] = base.apiVersion.split('/');
  return { apiVersion: `${group || baseGroup}/${version}`, kind };
}
