import { KplugError } from '@kplug/controller';
import { type SettingName, settings } from './settings.ts';

/** Settings of the options of the controller that its errors name. */
const byOption: Record<string, SettingName> = {
  heartbeatAddress: 'grpcBindAddress',
  adminAddress: 'adminBindAddress',
  metricsAddress: 'metricsAddr',
  probeAddress: 'healthProbeBindAddress',
  allowInsecurePlugins: 'allowInsecurePlugins',
  insecurePluginsFrom: 'insecurePluginsFrom',
  'pluginsFolder.inheritedEnvironment': 'pluginsEnvironment',
};

const options = new RegExp(`\\b(${Object.keys(byOption).join('|').replaceAll('.', '\\.')})\\b`, 'g');

/** Replaces the names of the controller's options in an error by those of the operator's flags. */
export function nameFlags(error: unknown): unknown {
  if (!(error instanceof KplugError)) return error;
  const message = error.message.replace(options, (option) => {
    const setting = byOption[option];
    return setting ? `--${settings[setting].flags[0]}` : option;
  });
  return message === error.message ? error : new KplugError(error.code, message, { cause: error });
}
