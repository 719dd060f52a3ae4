import { ID_COMMANDS, type CompletedCommand, type Source } from './tree.ts';
import { quoted, valuedFlags } from './quoting.ts';

/** Reads the line itself: bash would split ids at their colons. */
export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const values = commands.flatMap(({ path, options }) =>
    options.flatMap(({ flags, value }) =>
      value === null || value === 'nothing'
        ? []
        : [`    ${flags.map((flag) => quoted(`${path} ${flag}`)).join('|')}) ${reply(value)} ;;`],
    ),
  );
  const places = commands.map(({ path, commands: children, options, argument }) => {
    const flags = options.flatMap((option) => option.flags).join(' ');
    const first =
      children.length > 0
        ? words(children.map(({ name }) => name))
        : argument === 'nothing'
          ? words([flags])
          : reply(argument);
    return `    ${quoted(path)}) if [[ $cur == -* ]]; then ${words([flags])}; else ${first}; fi ;;`;
  });
  return `# Completion of rapt for bash, made by \`rapt completion bash\`.
_rapt_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
_rapt_files() { compopt -o filenames; mapfile -t COMPREPLY < <(compgen "$1" -- "$cur"); }
_rapt_ids() { _rapt_words "$($1 2>/dev/null)"; }

_rapt() {
  local line=\${COMP_LINE:0:COMP_POINT} cur='' at='' valued='' word
  local -a before
  read -ra before <<< "$line"
  if [[ $line != *[[:space:]] ]]; then
    cur=\${before[-1]}
    unset 'before[-1]'
  fi
  for word in "\${before[@]:1}"; do
    if [[ $valued ]]; then valued=''; continue; fi
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
  COMPREPLY=()
  if [[ $valued ]]; then case "$at $valued" in
${values.join('\n')}
  esac; else case $at in
${places.join('\n')}
  esac; fi
  # What stands before the last colon is on the line already.
  local before_colon=\${cur%"\${cur##*:}"}
  if [[ $COMP_WORDBREAKS == *:* ]]; then COMPREPLY=("\${COMPREPLY[@]#"$before_colon"}"); fi
}
complete -F _rapt rapt
`;
}

const words = (list: readonly string[]): string => `_rapt_words ${quoted(list.join(' '))}`;

function reply(source: Source): string {
  if (source === 'nothing') return ':';
  if (source === 'files') return '_rapt_files -f';
  if (source === 'folders') return '_rapt_files -d';
  return typeof source === 'string' ? `_rapt_ids ${quoted(ID_COMMANDS[source])}` : words(source);
}
