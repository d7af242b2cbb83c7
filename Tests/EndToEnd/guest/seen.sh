# shellcheck shell=sh
# What is seen in a guest of gpio-vm, told to the test: lines in the file $seen. To be sourced.
seen=/tmp/seen

# mark NAME VALUE: what was done, or how it stands.
mark() { echo "mark $*" >> "$seen"; }

# until_seen PATTERN COUNT: waits up to 30 s for that many matching lines.
until_seen() {
  tries=0
  while [ "$(grep -cE "$1" "$seen")" -lt "$2" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || { mark timeout "$1"; return 1; }
    sleep 0.1
  done
}
