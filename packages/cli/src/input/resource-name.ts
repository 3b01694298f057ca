import { CommandError } from '../command-error.ts';

/** Kind and name of a resource as a command line gives them. */
export interface ResourceName {
  /** Singular or plural, in any case, optionally with its API group: `databasetables.myorg.org`. */
  kind: string;
  /** Missing for all resources of the kind. */
  name: string | undefined;
}

/** Parses `KIND`, `KIND NAME` or `KIND/NAME`. Throws a `CommandError` when a name is given twice or a part is empty. */
export function readResourceName(target: string, name?: string): ResourceName {
  const [kind = '', nameInTarget, ...rest] = target.split('/');
  if (!kind || nameInTarget === '' || rest.length > 0) {
    throw new CommandError('usage', `"${target}" is not a resource; write KIND/NAME, such as DatabaseTable/users`);
  }
  if (nameInTarget === undefined) return { kind, name };
  if (name === undefined) return { kind, name: nameInTarget };
  throw new CommandError('usage', `the name is given twice, in "${target}" and as "${name}"; omit one`);
}
