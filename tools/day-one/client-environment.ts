import { join } from 'node:path';

/**
 * Variables with which npm, pnpm and Yarn get packages from a registry of this machine, and keep them apart from those of the same versions in
 * their caches.
 */
export function npmVariables(registry: string, caches: string): Record<string, string> {
  return {
    npm_config_registry: registry,
    npm_config_cache: join(caches, 'npm'),
    pnpm_config_registry: registry,
    pnpm_config_store_dir: join(caches, 'pnpm'),
    pnpm_config_cache_dir: join(caches, 'pnpm-cache'),
    // A version that was published a moment ago is refused otherwise.
    pnpm_config_minimum_release_age: '0',
    YARN_NPM_MINIMAL_AGE_GATE: '0',
    YARN_NPM_REGISTRY_SERVER: registry,
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    YARN_GLOBAL_FOLDER: join(caches, 'yarn'),
  };
}
