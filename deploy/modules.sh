# shellcheck shell=bash disable=SC2034,SC2154
# Compiles the device program's modules as Embedded Swift. To be sourced by deploy/build, which has
# chosen the target.

# Those that touch neither C nor the system, and are the same for all boards with one CPU. Each imports
# only those above it.
readonly PURE_MODULES=(
  Core MQTT WebSocket Dialing JSON Journal Uplink Device Agent SimulatedBoard Profile
)
# Those that do.
readonly RIM_MODULES=(Linux LinuxBoard LinuxAgent sandpiper)
readonly MODULES=("${PURE_MODULES[@]}" "${RIM_MODULES[@]}")
# The self-test, and what it takes from the unit tests.
readonly SELF_TEST_MODULES=(Core MQTT JSON Journal TestSupport SelfTest)
# The C modules that these may import: folders with a module map, and perhaps .c files.
readonly C_MODULES=(CLinux CGPIO CTLS)
# The modules that run only before or beside the agent, or in no agent, and may use the heap.
readonly MAY_ALLOCATE=" Profile sandpiper TestSupport SelfTest "

# Where a module's object goes: to the target's own, or to those of its CPU.
place() { if is_pure "$1"; then echo "$shared"; else echo "$objects"; fi; }

is_pure() { [[ " ${PURE_MODULES[*]} " == *" $1 "* ]]; }

sources() {
  case $1 in
  TestSupport) find Tests/TestSupport -name '*.swift' ;;
  SelfTest)
    find Tests/SelfTest -name '*.swift'
    printf 'Tests/MQTTTests/%s.swift\n' Wire/Support Session/Bench Session/ScriptedServer ;;
  *) find "Sources/$1" -name '*.swift' ;;
  esac | sort
}

# The imports of a module that are ours: what has to be compiled before it.
imports() {
  local found module
  found=$(sources "$1" | xargs sed -nE 's/^(@[a-zA-Z_]+ |public )*import ([A-Za-z_]+).*/\2/p')
  for module in "${MODULES[@]}" TestSupport; do
    ! grep -qx "$module" <<< "$found" || printf '%s\n' "$module"
  done
}

# Sets what all objects depend on, and what those of the rim do besides.
find_common() {
  pure_common=$(
    swiftc --version 2> /dev/null
    printf '%s\n' "${cpu_flags[@]}"
    declare -f compile
  )
  rim_common=$(
    printf '%s\n' "${swift_flags[@]}"
    find "${C_MODULES[@]/#/Sources/}" -type f | sort | xargs sha256sum
  )
}

# A number that changes with anything the module's object depends on: the compiler, its options,
# the sources, the C headers, and all this of its imports.
fingerprint() {
  local module
  {
    printf '%s\n' "$pure_common" "$1"
    is_pure "$1" || printf '%s\n' "$rim_common"
    sources "$1" | xargs sha256sum
    for module in $(imports "$1"); do cat "$(place "$module")/$module.key"; done
  } | sha256sum
}

# compile MODULE KEY. The cache of imported C modules is the target's own: the compiler would take another
# target's libgpiod for this one's, since it does not tell cached modules apart by their include folders.
compile() {
  local module=$1 out heap=(-no-allocations) strict=() flags=("${cpu_flags[@]}")
  out=$(place "$module")
  [[ $MAY_ALLOCATE != *" $module "* ]] || heap=()
  # Not for tests.
  [ ! -d "Sources/$module" ] || strict=(-strict-memory-safety -Werror StrictMemorySafety)
  is_pure "$module" || flags+=("${swift_flags[@]}" -I "$shared")
  rm -f "$out/$module.key"
  # shellcheck disable=SC2046  # file names without spaces
  swiftc -enable-experimental-feature Embedded -enable-experimental-feature Lifetimes \
    -swift-version 6 "${strict[@]}" "${heap[@]}" \
    -parse-as-library -wmo -Osize -Xfrontend -function-sections "${flags[@]}" \
    -package-name sandpiper -module-name "$module" -I "$out" -module-cache-path "$out/c-modules" \
    -emit-module -emit-module-path "$out/$module.swiftmodule" \
    -c $(sources "$module") -o "$out/$module.o" > "$out/$module.log" 2>&1 || {
    say "$module does not compile for $target:"
    cat "$out/$module.log" >&2
    return 1
  }
  cat "$out/$module.log" >&2
  printf '%s\n' "$2" > "$out/$module.key"
}

# True while one of a module's imports is among those that wait.
waits() {
  local module
  for module in $(imports "$1"); do
    [[ " ${waiting[*]} " != *" $module "* ]] || return 0
  done
  return 1
}

# compile_all MODULE...: compiles what has changed: in rounds, each with the modules whose imports are done,
# as many at once as there are processors.
compile_all() {
  local waiting=("$@") ready left module key jobs job
  while [ ${#waiting[@]} -gt 0 ]; do
    ready=() left=()
    for module in "${waiting[@]}"; do
      if waits "$module"; then left+=("$module"); else ready+=("$module"); fi
    done
    [ ${#ready[@]} -gt 0 ] || die "these modules import each other: ${waiting[*]}"
    jobs=()
    for module in "${ready[@]}"; do
      key=$(fingerprint "$module")
      [ "$(cat "$(place "$module")/$module.key" 2> /dev/null)" != "$key" ] || continue
      if [ ${#jobs[@]} -ge "$(nproc)" ]; then
        wait "${jobs[0]}" || exit 1
        jobs=("${jobs[@]:1}")
      fi
      say "$target: $module"
      compile "$module" "$key" &
      jobs+=($!)
    done
    for job in "${jobs[@]}"; do wait "$job" || exit 1; done
    waiting=("${left[@]}")
  done
}

# compile_modules MODULE...: compiles them for $target. Another target with the same CPU waits while those
# that they share are compiled.
compile_modules() {
  local module pure=() rim=()
  for module in "$@"; do
    if is_pure "$module"; then pure+=("$module"); else rim+=("$module"); fi
  done
  find_common
  mkdir -p "$shared" "$objects"
  (
    flock 8
    compile_all "${pure[@]}"
  ) 8> "$shared/lock"
  compile_all "${rim[@]}"
}
