import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { userCacheFolder } from '@kplug/testing/user-cache';
import { inTurn } from './in-turn.ts';
import { runWithProgress } from './run-with-progress.ts';

/** Program that is built from its sources, from the Go module proxy. */
export interface GoTool {
  /** Name of the program. */
  name: string;
  /** Path of its package. */
  source: string;
  /** Version of the module. */
  version: string;
  ldflags?: string;
}

/** Path of a program that has been built for this user; `undefined` if it has not. */
export async function builtGoTool({ name, version }: GoTool): Promise<string | undefined> {
  const program = join(folderOf({ name, version }), process.platform === 'win32' ? `${name}.exe` : name);
  return access(program).then(
    () => program,
    () => undefined,
  );
}

/** Builds a program, once for each user, and returns its path. Rejects with the output of Go when that fails. */
export async function buildGoTool(tool: GoTool, progress: (message: string) => void): Promise<string> {
  const folder = folderOf(tool);
  // Several processes may need it concurrently.
  return await inTurn(folder, async () => {
    const built = await builtGoTool(tool);
    if (built) return built;
    progress(`${tool.name} is not installed; building ${tool.source}@${tool.version} with Go, once`);
    await build(tool, folder, progress);
    const program = await builtGoTool(tool);
    if (!program) throw new Error(`${tool.source}@${tool.version} has no program ${tool.name}`);
    return program;
  });
}

function folderOf({ name, version }: Pick<GoTool, 'name' | 'version'>): string {
  return join(userCacheFolder(), 'tools', `${name}-${version}`);
}

async function build(tool: GoTool, folder: string, progress: (message: string) => void): Promise<void> {
  const { name, source, version, ldflags = '' } = tool;
  await mkdir(join(folder, '..'), { recursive: true });
  const staging = await mkdtemp(`${folder}.`);
  try {
    await runWithProgress(
      {
        title: `building ${name}`,
        program: 'go',
        args: ['install', '-v', '-trimpath', '-ldflags', `-s -w ${ldflags}`, `${source}@${version}`],
        cwd: staging,
        env: { GOBIN: staging, CGO_ENABLED: '0', GOFLAGS: '' },
      },
      progress,
    );
    await rename(staging, folder);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
