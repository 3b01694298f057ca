import { ask } from './toolchain.ts';

/** The Java that Maven runs on. */
export interface MavenJava {
  /** Major version. */
  version: number;
  /** Folder with `bin/java`, and `bin/javac` and `bin/jar` if it is a JDK. */
  home: string;
}

/** Returns the Java of the `mvn` on `PATH`; `undefined` without Maven. */
export async function findMaven(): Promise<MavenJava | undefined> {
  const answer = (await ask('mvn', ['--batch-mode', '--version'])) ?? '';
  const [, version, home] = /^Java version: (\d+).*, runtime: (.+)$/m.exec(answer) ?? [];
  return version && home ? { version: Number(version), home: home.trim() } : undefined;
}
