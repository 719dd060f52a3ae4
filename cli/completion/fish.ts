import { ID_COMMANDS, type CompletedCommand, type CompletedOption, type Source } from './tree.ts';
import { valuedFlags } from './quoting.ts';

export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ path, commands: children, options, argument }) => {
    const here = `complete -c rapt -n ${quoted(`__rapt_at ${quoted(path)}`)}`;
    return [
      ...children.map(({ name, description }) => `${here} -a ${name} -d ${quoted(description)}`),
      ...options.map(
        (option) =>
          `${here} ${flagsOf(option)}${option.value === null ? '' : ` ${valueOf(option.value)}`} -d ` +
          quoted(option.description),
      ),
      ...(children.length > 0 || argument === 'nothing'
        ? []
        : [`${here} ${argument === 'files' || argument === 'folders' ? '-F' : `-a ${quoted(words(argument))}`}`]),
    ];
  });
  return `# Completion of rapt for fish, made by \`rapt completion fish\`.
function __rapt_at
    set -l at
    set -l valued
    for word in (commandline -opc)[2..]
        if set -q valued[1]
            set -e valued
            continue
        end
        switch $word
            case ${valuedFlags(commands).join(' ')}
                set valued $word
                continue
        end
        switch (string join ' ' $at $word)
            case ${commands
              .filter(({ path }) => path !== '')
              .map(({ path }) => quoted(path))
              .join(' ')}
                set -a at $word
        end
    end
    test (string join ' ' -- $at '') = (string join ' ' -- $argv[1] '' | string trim -l)
end
complete -c rapt -f
${lines.join('\n')}
`;
}

/** Fish knows backslashes inside single quotes. */
const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function flagsOf({ flags }: CompletedOption): string {
  return flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(' ');
}

/** -r: a value must follow, and may be a file; -x: must follow, and is none. */
function valueOf(source: Source): string {
  if (source === 'files' || source === 'folders') return '-r -F';
  return source === 'nothing' ? '-x' : `-x -a ${quoted(words(source))}`;
}

function words(source: Exclude<Source, 'files' | 'folders'>): string {
  if (source === 'nothing') return '';
  return typeof source === 'string' ? `(${ID_COMMANDS[source]} 2>/dev/null)` : source.join(' ');
}
