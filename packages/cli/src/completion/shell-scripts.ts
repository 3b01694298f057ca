/** Supported shells. */
export const shells = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof shells)[number];

/**
 * Completion scripts. They call `kplug complete -- WORD…`, which prints a line with value, tab and description for each
 * completion, and a last line for completions by the shell: `:none`, `:files` or `:directories`.
 */
export const scripts: Record<Shell, string> = {
  bash: `# bash completion for kplug
_kplug() {
  local line action=none current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  while IFS= read -r line; do
    case "$line" in
      :*) action="\${line#:}" ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <("\${COMP_WORDS[0]/#\\~/$HOME}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  [[ "$current" == "=" ]] && current=""
  case "$action" in
    files | directories)
      local kind=-f
      [[ "$action" == directories ]] && kind=-d
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$kind" -- "$current")
      ;;
  esac
}
complete -F _kplug kplug`,

  zsh: `#compdef kplug
_kplug() {
  local line action=none
  local -a lines candidates
  lines=("\${(@f)$("\${(Q)words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "\${lines[@]}"; do
    case "$line" in
      :*) action="\${line#:}" ;;
      *) candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  (( $#candidates )) && _describe -V kplug candidates
  [[ "$action" != none ]] && compset -P '--*='
  case "$action" in
    files) _files ;;
    directories) _files -/ ;;
  esac
}
if [[ "\${funcstack[1]}" == _kplug ]]; then _kplug "$@"; else compdef _kplug kplug; fi`,

  fish: `# fish completion for kplug
function __kplug_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($words[1] complete -- $words[2..-1] "$current" 2>/dev/null)
    set -l flag (string match -r -- '^--[^=]*=' "$current")
    set -l path (string replace -r -- '^--[^=]*=' '' "$current")
    switch "$lines[-1]"
        case ':files'
            __fish_complete_path "$path" | string replace -r -- '^' "$flag"
        case ':directories'
            __fish_complete_directories "$path" '' | string replace -r -- '^' "$flag"
    end
    test (count $lines) -gt 1; and printf '%s\\n' $lines[1..-2]
end
complete -c kplug -f -a '(__kplug_complete)'`,
};
