/** completion: a script that lets a shell complete commands, options, files and ids. */
import { Argument, type Command } from 'commander';
import { completionScript, SHELLS, type Shell } from '../completion/index.ts';
import { print } from '../terminal/output.ts';

const HELP = `
Example: echo 'source <(rapt completion bash)' >> ~/.bashrc
         echo 'source <(rapt completion zsh)' >> ~/.zshrc       after compinit
         rapt completion fish > ~/.config/fish/completions/rapt.fish`;

export function addTo(program: Command): void {
  program
    .command('completion')
    .description('print the script by which a shell completes commands, options, files and the ids of runs')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText('after', HELP)
    .action((shell: Shell) => print(completionScript(shell, program).trimEnd()));
}
