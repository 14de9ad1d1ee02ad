/** The scripts that shells load. Each asks `stagedoor complete -- WORDS` for lines of a word, a tab, and what it does. */

/** It needs no package beside bash, of version 3.2 or newer. Where nothing is suggested, bash completes file names. */
const bash = `# bash completion for stagedoor
_stagedoor() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(stagedoor complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _stagedoor stagedoor
`;

const zsh = `#compdef stagedoor
_stagedoor() {
  local line
  local -a found
  while IFS= read -r line; do
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <(stagedoor complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then
    _describe 'stagedoor' found
  else
    _files
  fi
}
compdef _stagedoor stagedoor
`;

const fish = `# fish completion for stagedoor
function __stagedoor_complete
  set -l typed (commandline -opc)
  set -e typed[1]
  set -l last (commandline -ct)
  stagedoor complete -- $typed "$last" 2>/dev/null
end
complete -c stagedoor -f -a '(__stagedoor_complete)'
`;

export const scripts = { bash, zsh, fish };
