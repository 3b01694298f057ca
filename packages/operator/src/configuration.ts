import { type DelegationDeclaration, KplugError } from '@kplug/controller';
import { type ConfigurationFile, readConfigurationFile } from './configuration-file.ts';
import { configVariable, defaultConfigFile, type FlagValues } from './flags.ts';
import { type Setting, variableOf } from './setting.ts';
import { allSettings, type SettingName, type SettingValues } from './settings.ts';

/** Configuration of an operator. */
export interface OperatorConfiguration {
  settings: SettingValues;
  delegations: readonly DelegationDeclaration[];
  /** Warnings, for example about a variable whose name resembles that of a setting. */
  remarks: readonly string[];
}

/** Value of a flag or a variable. */
interface GivenValue {
  /** Name of the flag or variable. */
  source: string;
  value: string | readonly string[] | boolean;
}

/**
 * Reads the configuration. Flags take precedence over environment variables, those over the configuration file, and that over defaults.
 * Rejects with `InvalidConfiguration`, which names each invalid flag, variable and field.
 */
export async function readConfiguration(flags: FlagValues, env: NodeJS.ProcessEnv): Promise<OperatorConfiguration> {
  const file = await readNamedFile(flags.config ?? (env[configVariable] || undefined));
  const values: Record<string, unknown> = Object.fromEntries(file.settings);
  const faults: string[] = [];
  for (const [name, setting] of allSettings) {
    const given = findValue(name, setting, flags, env);
    if (!given) continue;
    const { success, data, error } = setting.schema.safeParse(readValue(given.value, setting));
    if (success) values[name] = data;
    else faults.push(`${given.source} ${quote(given.value)} ${error.issues.map(({ message }) => message).join(', ')}`);
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

/** Finds the value of a setting in flags and environment. */
function findValue(
  name: SettingName,
  setting: Setting,
  { settings }: FlagValues,
  env: NodeJS.ProcessEnv,
): GivenValue | undefined {
  const given = settings.get(name);
  if (given) return { source: given.flag, value: given.value };
  const variable = variableOf(setting);
  const value = env[variable];
  return value ? { source: variable, value } : undefined;
}

function readValue(value: GivenValue['value'], { read }: Setting): unknown {
  if (typeof value === 'boolean') return value;
  return typeof value === 'string' ? read(value) : value.flatMap((one) => read(one) as string[]);
}

function quote(value: GivenValue['value']): string {
  return `"${typeof value === 'object' ? value.join(',') : value}"`;
}

/** Variables that Kubernetes sets in pods for each Service of their namespace. */
const serviceLink = /_(SERVICE_(HOST|PORT(_.*)?)|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** Variables of the plugin SDKs and of the `kplug` command. */
const ofOthers =
  /^KPLUG_(CONTROLLER|ADDRESS|BIND_ADDRESS|INSTANCE_ID|TOKEN|TOKEN_FILE|TLS_CA|TLS_CERT|TLS_KEY|TLS_SERVER_NAME|INSECURE|WEIGHT|LABELS|POD_.*|DRAIN_TIMEOUT|MAX_MESSAGE_SIZE|PROTOCOL|ADMIN|CLUSTER|DEBUG|TEST_.*)$/;

function remarksOn(env: NodeJS.ProcessEnv): string[] {
  const known = new Set([configVariable, ...allSettings.map(([, setting]) => variableOf(setting))]);
  return Object.keys(env)
    .filter((name) => name.startsWith('KPLUG_') && !known.has(name) && !serviceLink.test(name) && !ofOthers.test(name))
    .map((name) => `${name} is set, but is not a variable of the operator; see --help`);
}
