import { type DelegationDeclaration, KplugError } from '@kplug/controller';
import { type ConfigurationFile, readConfigurationFile } from './configuration-file.ts';
import { configVariable, defaultConfigFile, type FlagValues } from './flags.ts';
import { type Setting, variableOf } from './setting.ts';
import { allSettings, type SettingName, type SettingValues } from './settings.ts';

/** How an operator is to run. */
export interface OperatorConfiguration {
  settings: SettingValues;
  delegations: readonly DelegationDeclaration[];
  /** What was found that is no error, such as a variable that looks like one of ours and isn't. */
  remarks: readonly string[];
}

/** A value as a flag or a variable says it. */
interface Said {
  /** The flag or the variable. */
  by: string;
  value: string | readonly string[] | boolean;
}

/**
 * Works out the configuration. A flag wins over a variable of the environment, that over the configuration file, and that over
 * the default. Rejects with `InvalidConfiguration`, which names each flag, variable and field that is wrong.
 */
export async function readConfiguration(flags: FlagValues, env: NodeJS.ProcessEnv): Promise<OperatorConfiguration> {
  const file = await readNamedFile(flags.config ?? (env[configVariable] || undefined));
  const values: Record<string, unknown> = Object.fromEntries(file.settings);
  const faults: string[] = [];
  for (const [name, setting] of allSettings) {
    const said = whatIsSaid(name, setting, flags, env);
    if (!said) continue;
    const { success, data, error } = setting.schema.safeParse(readValue(said.value, setting));
    if (success) values[name] = data;
    else faults.push(`${said.by} ${quote(said.value)} ${error.issues.map(({ message }) => message).join(', ')}`);
  }
  if (faults.length > 0) throw new KplugError('InvalidConfiguration', faults.join('; '));
  return { settings: values, delegations: file.delegations, remarks: remarksOn(env) };
}

async function readNamedFile(name: string | undefined): Promise<ConfigurationFile> {
  try {
    return await readConfigurationFile(name ?? defaultConfigFile);
  } catch (error) {
    const isAbsent = error instanceof KplugError && error.code === 'NotFound';
    if (!isAbsent) throw error;
    if (name === undefined) return { settings: new Map(), delegations: [] };
    throw new KplugError('InvalidConfiguration', error.message, { cause: error });
  }
}

function whatIsSaid(
  name: SettingName,
  setting: Setting,
  { settings }: FlagValues,
  env: NodeJS.ProcessEnv,
): Said | undefined {
  const given = settings.get(name);
  if (given) return { by: given.flag, value: given.value };
  const variable = variableOf(setting);
  const value = env[variable];
  return value ? { by: variable, value } : undefined;
}

function readValue(value: Said['value'], { read }: Setting): unknown {
  if (typeof value === 'boolean') return value;
  return typeof value === 'string' ? read(value) : value.flatMap((one) => read(one) as string[]);
}

function quote(value: Said['value']): string {
  return `"${typeof value === 'object' ? value.join(',') : value}"`;
}

/** What Kubernetes puts into the pods of a namespace for each Service there. */
const serviceLink = /_(SERVICE_(HOST|PORT(_.*)?)|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** Variables of the plugin SDKs and of the `kplug` command, which may be set beside an operator's. */
const ofOthers =
  /^KPLUG_(CONTROLLER|ADDRESS|BIND_ADDRESS|INSTANCE_ID|TOKEN|WEIGHT|LABELS|POD_.*|DRAIN_TIMEOUT|MAX_MESSAGE_SIZE|PROTOCOL|ADMIN|CLUSTER|DEBUG|TEST_.*)$/;

function remarksOn(env: NodeJS.ProcessEnv): string[] {
  const known = new Set([configVariable, ...allSettings.map(([, setting]) => variableOf(setting))]);
  return Object.keys(env)
    .filter((name) => name.startsWith('KPLUG_') && !known.has(name) && !serviceLink.test(name) && !ofOthers.test(name))
    .map((name) => `${name} is set, but is no variable of the operator; --help names them`);
}
