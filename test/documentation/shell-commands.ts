/**
 * Returns the commands of a shell script, as lists of words without variable assignments and redirections. Throws nothing; it knows no
 * control structures.
 */
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
    .map((words) => words.filter((word, index) => !isRedirection(word) && !isRedirection(words[index - 1])))
    .filter(({ length }) => length > 0);
}

function isRedirection(word = ''): boolean {
  return /^\d*(?:<|>>?)$/.test(word);
}

/** Returns the commands of a transcript of a terminal, in which each follows a prompt. */
export function promptedCommands(transcript: string): string[][] {
  const lines = [...transcript.matchAll(/^\$ (.*)$/gm)].map(([, line = '']) => line);
  return lines.flatMap(shellCommands);
}
