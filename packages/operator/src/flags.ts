import { type Command, Option } from 'commander';
import { type Setting, variableOf } from './setting.ts';
import { allSettings, type SettingName } from './settings.ts';

/** What a command line says of settings, and of the configuration file. */
export interface FlagValues {
  config?: string;
  settings: ReadonlyMap<SettingName, GivenFlag>;
}

/** A flag as it was given. */
export interface GivenFlag {
  /** With its dashes. */
  flag: string;
  value: string | readonly string[] | boolean;
}

/** The variable of the environment that names the configuration file. */
export const configVariable = 'KPLUG_CONFIG';

/** The file that is read when none is named. It may be missing. */
export const defaultConfigFile = 'kplug.yaml';

/** Adds the flags of an operator to a command. */
export function addFlags(command: Command): Command {
  const description = `the configuration file: settings, and what is delegated (default: ${defaultConfigFile}, if it is there; ${configVariable})`;
  command.addOption(new Option('--config <file>', description).helpGroup('Configuration:'));
  for (const [, setting] of allSettings) for (const option of optionsOf(setting)) command.addOption(option);
  return command;
}

/** What the command line said. */
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

/** The name under which commander keeps a flag's value. */
function attributeOf(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
