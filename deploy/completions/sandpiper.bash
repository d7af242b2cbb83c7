# shellcheck shell=bash
# Completion for bash: commands, their options, and files where files go.
_sandpiper() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=''
  if [ "$COMP_CWORD" = 1 ]; then
    words='run init check plan lines doctor status care journal set --version --help'
  else
    case $before in
    --log) words='error warning notice info debug' ;;
    --broker | --seed | --id | --base | --user | --input | --output | --counter | --sensor) ;;
    --state | --control | --scenario | --status | --socket | --password-file | -o) mapfile -t COMPREPLY < <(compgen -f -- "$word") && return ;;
    *)
      case ${COMP_WORDS[1]} in
      run) words='--simulate --broker --control --state --seed --scenario --status --log' ;;
      init)
        words='--id --base --broker --user --password-file --input --output --counter --sensor'
        words+=' --no-sensors --no-journal --yes --force -o' ;;
      plan) words='--simulate --drop-in' ;;
      doctor) words='--offline --json --state --broker' ;;
      status) words='--watch --json --metrics --socket' ;;
      care) words='--state --drop' ;;
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
