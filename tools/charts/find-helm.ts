import { buildGoTool, builtGoTool, type GoTool } from '../languages/go-tool.ts';
import { ask } from '../languages/toolchain.ts';

/** Helm that is built when none is installed. */
const helm: GoTool = {
  name: 'helm',
  version: 'v3.22.0',
  source: 'helm.sh/helm/v3/cmd/helm',
  ldflags: '-X helm.sh/helm/v3/internal/version.version=v3.22.0',
};

/**
 * Finds Helm 3 or newer: the value of `HELM`; else the one on `PATH`; else one that is built with Go, once per user, which takes a minute
 * or two. Rejects with advice when none of these is possible.
 */
export async function findHelm(progress: (message: string) => void): Promise<string> {
  if (process.env.HELM) return process.env.HELM;
  if (await ask('helm', ['version', '--short'])) return 'helm';
  const built = await builtGoTool(helm);
  if (built) return built;
  if (!(await ask('go', ['version']))) {
    throw new Error(
      'Neither Helm nor Go, to build it with, is installed. Install Helm 3 or newer (https://helm.sh/docs/intro/install) or Go, or set ' +
        'HELM to the path of Helm.',
    );
  }
  return await buildGoTool(helm, progress);
}
