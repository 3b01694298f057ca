/** Environment variable with the token file, as of the operator's flag `--heartbeat-tokens`. */
export const tokenFileVariable = 'KPLUG_HEARTBEAT_TOKENS';

/** Default token file. */
export const defaultTokenFile = 'tokens.yaml';

/** Returns the token file of a command. */
export function tokenFileOf(given: string | undefined): string {
  return given ?? process.env[tokenFileVariable] ?? defaultTokenFile;
}
