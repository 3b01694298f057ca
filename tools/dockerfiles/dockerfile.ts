/** Last stage of a Dockerfile: the settings of its image. */
export interface ImageSettings {
  user: string | undefined;
  entrypoint: readonly string[];
  environment: ReadonlyMap<string, string>;
}

/** Reads the settings of the last stage of a Dockerfile, which has an entrypoint in exec form. */
export function settingsOf(dockerfile: string): ImageSettings {
  const stage = dockerfile.split(/^FROM /m).at(-1) ?? '';
  const [, entrypoint] = /^ENTRYPOINT (\[.*\])$/m.exec(stage) ?? [];
  if (!entrypoint) throw new Error('the last stage has no ENTRYPOINT in exec form');
  const variables = [...stage.matchAll(/^ENV (.+)$/gm)].flatMap(([, line = '']) => line.split(' '));
  return {
    user: /^USER (\S+)$/m.exec(stage)?.[1],
    entrypoint: JSON.parse(entrypoint) as string[],
    environment: new Map(variables.map((word) => word.split('=', 2) as [string, string])),
  };
}

/** Names of the images in a bake file whose targets are a matrix and single ones, which all build the same Dockerfile. */
export function bakedImages(bakeFile: string): string[] {
  return [...bakeFile.matchAll(/\bimage = (\[[^\]]*\])/g), ...bakeFile.matchAll(/IMAGE = ("[^"]+")/g)].flatMap(
    ([, value = '']) => JSON.parse(value) as string | string[],
  );
}
