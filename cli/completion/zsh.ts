import { ID_COMMANDS, type CompletedCommand, type CompletedOption, type Source } from './tree.ts';
import { quoted, valuedFlags } from './quoting.ts';

export function zshCompletion(commands: readonly CompletedCommand[]): string {
  const values = commands.flatMap(({ path, options }) =>
    options.flatMap(({ flags, value }) =>
      value === null || value === 'nothing'
        ? []
        : [`    ${flags.map((flag) => quoted(`${path} ${flag}`)).join('|')}) ${reply(value)} ;;`],
    ),
  );
  const places = commands.map(({ path, commands: children, options, argument }) => {
    const first =
      children.length > 0
        ? described('command', children)
        : argument === 'nothing'
          ? described('option', optionsOf(options))
          : reply(argument);
    return `    ${quoted(path)})
      if [[ $PREFIX == -* ]]; then ${described('option', optionsOf(options))}
      else ${first}
      fi ;;`;
  });
  return `#compdef rapt
# Completion of rapt for zsh, made by \`rapt completion zsh\`.
_rapt() {
  local at='' valued='' word
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $valued ]]; then valued=''; continue; fi
    case $word in
      ${valuedFlags(commands).join('|')}) valued=$word; continue ;;
    esac
    case "\${at:+$at }$word" in
      ${commands
        .filter(({ path }) => path !== '')
        .map(({ path }) => quoted(path))
        .join('|')}) at="\${at:+$at }$word" ;;
    esac
  done
  if [[ -n $valued ]]; then case "$at $valued" in
${values.join('\n')}
  esac; else case $at in
${places.join('\n')}
  esac; fi
}
if [[ \${funcstack[1]} == _rapt ]]; then _rapt "$@"; else compdef _rapt rapt; fi
`;
}

const optionsOf = (options: readonly CompletedOption[]): { name: string; description: string }[] =>
  options.flatMap(({ flags, description }) => flags.map((name) => ({ name, description })));

/** A colon parts a word from what is said of it. */
function described(what: string, entries: readonly { readonly name: string; readonly description: string }[]): string {
  const lines = entries.map(({ name, description }) =>
    quoted(`${name}:${description.replaceAll(':', String.raw`\:`)}`),
  );
  return `found=(${lines.join(' ')}); _describe ${quoted(what)} found`;
}

function reply(source: Source): string {
  if (source === 'nothing') return ':';
  if (source === 'files') return '_files';
  if (source === 'folders') return '_files -/';
  return (
    'compadd -- ' +
    (typeof source === 'string' ? `\${(f)"$(${ID_COMMANDS[source]} 2>/dev/null)"}` : source.map(quoted).join(' '))
  );
}
