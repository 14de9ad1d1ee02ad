import { type Command, Argument } from 'commander';
import { scripts } from '../completion/scripts.ts';
import { suggest } from '../completion/suggest.ts';
import { leaf } from '../leaf.ts';
import { print } from '../terminal.ts';

/** `stagedoor completion SHELL` prints the script of a shell, which asks `stagedoor complete -- WORDS`. */
export function addCompletion(program: Command): void {
  leaf(program, 'completion', {
    summary: 'Print the script that completes stagedoor in a shell',
    more: 'Load it in the start file of the shell.',
    examples: [
      'source <(stagedoor completion bash)     # in ~/.bashrc',
      'source <(stagedoor completion zsh)      # in ~/.zshrc, behind compinit',
      'stagedoor completion fish | source      # in ~/.config/fish/config.fish',
    ],
  })
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(scripts)))
    .action((shell: keyof typeof scripts) => print(scripts[shell]));
  program.command('complete [words...]', { hidden: true }).action((words: string[]) => {
    for (const { word, about } of suggest(program, words)) print(`${word}\t${about.split('\n')[0]}`);
  });
}
