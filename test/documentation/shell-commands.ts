/** Returns the commands of a shell script, as lists of words without variable assignments. Throws nothing; it knows no control structures. */
export function shellCommands(script: string): string[][] {
  const commands: string[][] = [[]];
  const tokens = script
    .replaceAll(/\\\n\s*/g, ' ')
    .matchAll(/(?<=^|\s)#.*|&&|\|\||[;|&\n]|(?:'[^']*'|"[^"]*"|[^\s'"&;|])+/gm);
  for (const [token] of tokens) {
    if (token.startsWith('#')) continue;
    if (/^(&&|\|\||[;|&\n])$/.test(token)) commands.push([]);
    else commands.at(-1)?.push(token.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'));
  }
  return commands
    .map((words) => words.slice(words.findIndex((word) => !/^\w+=/.test(word))))
    .filter(({ length }) => length > 0);
}

/** Returns the commands of a transcript of a terminal, in which each follows a prompt. */
export function promptedCommands(transcript: string): string[][] {
  const lines = [...transcript.matchAll(/^\$ (.*)$/gm)].map(([, line = '']) => line);
  return lines.flatMap(shellCommands);
}
