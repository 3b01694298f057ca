import { spawn } from 'node:child_process';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { kubernetesVersion } from './versions.ts';

const suffix = process.platform === 'win32' ? '.exe' : '';
const version = 'k8s.io/component-base/version';
const [major = '', minor = ''] = kubernetesVersion.split('.');

const builds = [
  {
    module: 'etcd',
    output: `etcd${suffix}`,
    package: 'go.etcd.io/etcd/server/v3',
    flags: '-s -w',
  },
  {
    module: 'kube-apiserver',
    output: `kube-apiserver${suffix}`,
    package: 'k8s.io/kubernetes/cmd/kube-apiserver',
    flags: `-s -w -X ${version}.gitVersion=v${kubernetesVersion} -X ${version}.gitMajor=${major} -X ${version}.gitMinor=${minor}`,
  },
] as const;

/** Returns the version of the installed Go, if there is one. */
export async function findGo(): Promise<string | undefined> {
  const lines: string[] = [];
  try {
    await run(['version'], import.meta.dirname, (line) => lines.push(line));
    return lines[0]?.replace(/^go version (\S+).*/, '$1');
  } catch {
    return undefined;
  }
}

/** Builds the binaries of a control plane. It takes minutes, as it compiles the whole API server of Kubernetes. */
export async function buildWithGo(folder: string, progress: (message: string) => void): Promise<void> {
  for (const { module, output, package: target, flags } of builds) {
    const source = join(import.meta.dirname, 'go', module);
    await buildProgram({ source, target, flags, output: join(folder, output) }, progress);
  }
}

/** A Go program to build. */
export interface Program {
  /** Directory of the module. */
  source: string;
  /** Package to build. */
  target: string;
  /** Linker flags. */
  flags: string;
  /** Output file. */
  output: string;
}

/** Builds a program. Rejects with the last output of Go. */
export async function buildProgram(
  { source, target, flags, output }: Program,
  progress: (message: string) => void,
): Promise<void> {
  const startedAt = performance.now();
  let compiled = 0;
  const tell = () => {
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    progress(`building ${basename(output)}: ${compiled} packages compiled, ${seconds} s`);
  };
  const timer = setInterval(tell, 10_000);
  try {
    await run(['build', '-v', '-trimpath', '-ldflags', flags, '-o', output, target], source, (line) => {
      // Other lines are downloads or errors.
      if (/^[\w./-]+$/.test(line)) compiled += 1;
    });
  } finally {
    clearInterval(timer);
    tell();
  }
}

function run(args: string[], cwd: string, onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, {
      cwd,
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const last: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => {
        last.push(line);
        if (last.length > 20) last.shift();
        onLine(line);
      });
    }
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`go ${args[0]} ended with ${code}:\n${last.join('\n')}`));
    });
  });
}
