# shellcheck shell=bash
# Completion for bash: commands, their options, and files where files go.
_sandpiper() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=''
  if [ "$COMP_CWORD" = 1 ]; then
    words='run check plan lines doctor status journal set --version --help'
  else
    case $before in
    --log) words='error warning notice info debug' ;;
    --broker | --seed) ;;
    --state | --control | --scenario | --status | --socket) mapfile -t COMPREPLY < <(compgen -f -- "$word") && return ;;
    *)
      case ${COMP_WORDS[1]} in
      run) words='--simulate --broker --control --state --seed --scenario --status --log' ;;
      plan) words='--simulate' ;;
      doctor) words='--offline --json --state --broker' ;;
      status) words='--watch --json --metrics --socket' ;;
      journal) words='--json --verify' ;;
      esac
      if [[ $word != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
      fi ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o filenames -F _sandpiper sandpiper
