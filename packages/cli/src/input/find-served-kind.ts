import { type ClusterReader, isKindNamed, type NamedKind } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';

/** Finds a kind that a cluster serves by its name or short name. Rejects with a `CommandError` if there is none, or more than one. */
export async function findServedKind(reader: ClusterReader, name: string): Promise<NamedKind> {
  const kinds = (await reader.kinds()).filter(
    (served) => isKindNamed(served, name) || served.shortNames.includes(name.toLowerCase()),
  );
  const [kind, other] = kinds;
  if (!kind) {
    const advice = 'apply its CustomResourceDefinition, or see "kubectl api-resources"';
    throw new CommandError('notFound', `the cluster at ${reader.server} has no kind ${name}; ${advice}`);
  }
  if (other) {
    const names = kinds.map(({ plural, apiVersion }) => `${plural}.${apiVersion.split('/')[0]}`).sort();
    throw new CommandError('usage', `${name} is ambiguous: ${names.join(', ')}; give one of these`);
  }
  return kind;
}
