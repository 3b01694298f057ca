import { type Command, Option } from 'commander';
import { type Setting, variableOf } from './setting.ts';
import { allSettings, type SettingName } from './settings.ts';

/** Flags of a command line. */
export interface FlagValues {
  config?: string;
  settings: ReadonlyMap<SettingName, GivenFlag>;
}

/** Flag with its value. */
export interface GivenFlag {
  /** Name, with dashes. */
  flag: string;
  value: string | readonly string[] | boolean;
}

/** Environment variable with the path of the configuration file. */
export const configVariable = 'KPLUG_CONFIG';

/** Default configuration file. It may be missing. */
export const defaultConfigFile = 'kplug.yaml';

/** Adds the flags of an operator to a command. */
export function addFlags(command: Command): Command {
  const description = `configuration file, with settings and delegations (default: ${defaultConfigFile}, if it exists; ${configVariable})`;
  command.addOption(new Option('--config <file>', description).helpGroup('Configuration:'));
  for (const [, setting] of allSettings) for (const option of optionsOf(setting)) command.addOption(option);
  return command;
}

/** Reads the flags of a parsed command line. */
export function readFlags(command: Command): FlagValues {
  const options = command.opts<Record<string, string | string[] | boolean | undefined>>();
  const given = (flag: string) => options[attributeOf(flag)];
  const values = new Map<SettingName, GivenFlag>();
  for (const [name, { flags }] of allSettings) {
    for (const flag of flags) {
      const value = given(flag);
      if (value !== undefined) values.set(name, { flag: `--${flag}`, value });
    }
  }
  const config = given('config');
  return { ...(typeof config === 'string' && { config }), settings: values };
}

function optionsOf(setting: Setting): Option[] {
  const { flags, short, group } = setting;
  const [flag, ...aliases] = flags;
  const argument = argumentOf(setting);
  const main = new Option(`${short ? `-${short}, ` : ''}--${flag}${argument}`, describe(setting));
  const others = aliases.map((alias) => new Option(`--${alias}${argument}`).hideHelp());
  const negations = setting.placeholder ? [] : flags.map((name) => new Option(`--no-${name}`).hideHelp());
  return [main.helpGroup(`${group}:`), ...others, ...negations];
}

function argumentOf({ placeholder, isList }: Setting): string {
  if (!placeholder) return ' [boolean]';
  return ` <${placeholder}${isList ? '...' : ''}>`;
}

function describe(setting: Setting): string {
  const { description, fallback, flags } = setting;
  const also = flags.slice(1).map((alias) => `also --${alias}; `);
  return `${description} (${also.join('')}default: ${fallback}; ${variableOf(setting)})`;
}

/** Returns the name under which commander keeps the value of a flag. */
function attributeOf(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
