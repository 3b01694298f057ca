import type { JsonObject, ResourceKind } from '@kplug/controller';
import { DelegationView } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import { objectOf } from '../doctor/read-json.ts';
import { buildDefinition, type DefinitionNames } from './build-definition.ts';
import { SchemaConversion } from './convert-schema.ts';
import { addDelegatedFields, addStatusFields } from './delegated-fields.ts';
import { findBaseKind, findExtensionKind, type GivenKind } from './kinds.ts';
import type { ApiDescription, PluginDescription } from './plugin-description.ts';

/** What the plugin does not say about its kinds. */
export interface DefinitionChoice extends GivenKind, Partial<Pick<DefinitionNames, 'plural' | 'shortNames'>> {
  /** API as `Name` or `Name@version`; all if it is left out. */
  api?: string;
  scope: DefinitionNames['scope'];
}

/** CustomResourceDefinitions of a plugin. */
export interface GeneratedDefinitions {
  definitions: JsonObject[];
  /** What the definitions can't express, in one line each. */
  notes: string[];
}

/** Generates the CustomResourceDefinitions of a plugin: of its bases, and of the extensions that it has schemas for. */
export function generateDefinitions(
  plugin: PluginDescription,
  views: readonly DelegationView[],
  choice: DefinitionChoice,
): GeneratedDefinitions {
  const generated: GeneratedDefinitions = { definitions: [], notes: [] };
  for (const api of chooseApis(plugin, choice)) addApi(generated, api, findView(api, views), choice);
  const names = generated.definitions.map((definition) => String(objectOf(definition.metadata).name));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) {
    const apis = plugin.apis.map(({ name, version }) => `${name}@${version}`).join(', ');
    throw new CommandError('usage', `several APIs have the kind ${twice}; choose one with --api: ${apis}`);
  }
  return generated;
}

function chooseApis({ plugin, apis }: PluginDescription, choice: DefinitionChoice): ApiDescription[] {
  const chosen = apis.filter(({ name, version }) => {
    return choice.api === undefined || choice.api === name || choice.api === `${name}@${version}`;
  });
  const names = apis.map(({ name, version }) => `${name}@${version}`).join(', ');
  if (chosen.length === 0) throw new CommandError('notFound', `${plugin} has no API ${choice.api}; it has ${names}`);
  const described = chosen.filter(({ base, extensions }) => base !== undefined || extensions.size > 0);
  if (described.length > 0) return described;
  const message = `${plugin} has no schema of its resources (${names}); add one to its definition`;
  throw new CommandError('failed', message);
}

function findView({ name }: ApiDescription, views: readonly DelegationView[]): DelegationView | undefined {
  return views.find((view) => view.api === name);
}

function addApi(
  generated: GeneratedDefinitions,
  api: ApiDescription,
  view: DelegationView | undefined,
  choice: DefinitionChoice,
): void {
  const { base, extensions } = api;
  const kind = findBaseKind(api, view, choice);
  if (base) {
    const { plural, shortNames, scope } = choice;
    const names = { ...namesOf(kind, scope), ...(plural && { plural }), ...(shortNames && { shortNames }) };
    // Without a delegation, the fields are those of one that states none.
    const { paths } = view ?? new DelegationView({ name: 'default', base: kind, api: api.name });
    const schema = addDelegatedFields(convert(base, kind, generated.notes), paths, extensions.size > 0);
    generated.definitions.push(buildDefinition(names, addStatusFields(schema), true));
  }
  for (const [key, schema] of extensions) {
    const extension = findExtensionKind(key, kind, view);
    const converted = addStatusFields(convert(schema, extension, generated.notes));
    generated.definitions.push(buildDefinition(namesOf(extension, choice.scope), converted, false));
  }
}

function namesOf({ apiVersion, kind }: ResourceKind, scope: DefinitionNames['scope']): DefinitionNames {
  const [group = '', version = ''] = apiVersion.split('/');
  return { group, version, kind, scope };
}

function convert(schema: JsonObject, { kind }: ResourceKind, notes: string[]): JsonObject {
  const conversion = new SchemaConversion(schema);
  const converted = conversion.convert();
  notes.push(...conversion.notes.map(({ field, message }) => `${kind} ${field || 'schema'}: ${message}`));
  return converted;
}
