import { Argument, type Command } from 'commander';
import { type Shell, shells } from '../completion/shell-scripts.ts';
import type { Terminal } from '../output/terminal.ts';
import { examples } from './options.ts';

/** Adds `kplug completion`, and the hidden `kplug complete` that its scripts call. */
export function addCompletionCommands(program: Command, terminal: Terminal): void {
  program
    .command('completion')
    .description('print a shell completion script')
    .addArgument(new Argument('<shell>', 'shell').choices(shells))
    .addHelpText(
      'after',
      examples(
        'source <(kplug completion bash)  # bash, in ~/.bashrc',
        'source <(kplug completion zsh)   # zsh, in ~/.zshrc after compinit',
        'kplug completion fish > ~/.config/fish/completions/kplug.fish',
      ),
    )
    .action(async (shell: Shell) => {
      const { scripts } = await import('../completion/shell-scripts.ts');
      terminal.print(scripts[shell]);
    });
  program
    .command('complete', { hidden: true })
    .argument('[words...]', 'words after the program name')
    .action(async (words: string[]) => {
      const { complete } = await import('../completion/complete.ts');
      const { values, others } = await complete(program, words);
      for (const { value, description } of values) terminal.printFields(value, description);
      terminal.printFields(`:${others}`);
    });
}
