/** Variables that connect a plugin to an operator. */
export interface PluginConnection {
  operatorPort: number;
  pluginPort: number;
  /** File with the CA of the operator. */
  caFile: string;
  token: string;
  /** `namespace/name` of the attachment. */
  attachment: string;
}

/** Variables that would say something else, such as those of a shell in which another plugin runs. */
export const unsetVariables = [
  'KPLUG_TOKEN_FILE',
  'KPLUG_INSECURE',
  'KPLUG_TLS_CERT',
  'KPLUG_TLS_KEY',
  'KPLUG_PROTOCOL',
];

/** Returns the environment variables with which an SDK connects a plugin by an attachment. */
export function environmentOf({ operatorPort, pluginPort, caFile, token, attachment }: PluginConnection) {
  const address = `127.0.0.1:${pluginPort}`;
  return {
    KPLUG_CONTROLLER: `127.0.0.1:${operatorPort}`,
    KPLUG_TLS_CA: caFile,
    KPLUG_TLS_SERVER_NAME: 'localhost',
    KPLUG_TOKEN: token,
    KPLUG_INSTANCE_ID: `attachment/${attachment}`,
    KPLUG_BIND_ADDRESS: address,
    KPLUG_ADDRESS: address,
  };
}

/** Formats variables as commands of a POSIX shell. */
export function formatExports(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'`)
    .join('\n');
}
