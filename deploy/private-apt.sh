# shellcheck shell=bash
# Debian packages of other architectures and releases, unpacked in a folder, without touching this
# system's own package state. To be sourced; works as root and as an ordinary user.
#
# Each suite and architecture has an apt of its own under $SANDPIPER_CACHE/apt, which knows just
# that one and has nothing installed. The mirror is the one this machine's apt already uses.

readonly SANDPIPER_CACHE=${SANDPIPER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sandpiper}
readonly DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

apt_failed() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# The mirror that apt is set up to use for Debian itself; Debian's own when apt does not say.
debian_mirror() {
  local mirror
  # shellcheck disable=SC2016  # apt expands these, not the shell
  mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' \
    'Created-By: Packages' | awk -F'|' '$1 == "Debian" && $2 == "Debian" { print $3; exit }')
  printf '%s\n' "${mirror:-http://deb.debian.org/debian}"
}

# private_apt SUITE ARCH apt-get|apt-cache ARGUMENT...
private_apt() {
  local suite=$1 arch=$2 tool=$3 root=$SANDPIPER_CACHE/apt/$1-$2
  shift 3
  if [ ! -e "$root/ready" ]; then
    mkdir -p "$root/state/lists/partial" "$root/cache/archives/partial" "$root/empty"
    : > "$root/status"
    printf 'deb [arch=%s signed-by=%s] %s %s main\n' \
      "$arch" "$DEBIAN_KEYRING" "$(debian_mirror)" "$suite" > "$root/sources.list"
    cat > "$root/apt.conf" <<CONF
Dir::Etc::SourceList "$root/sources.list";
Dir::Etc::SourceParts "$root/empty";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "$root/empty";
Dir::State "$root/state";
Dir::State::status "$root/status";
Dir::Cache "$root/cache";
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
    printf '%s: reading the package list of %s/%s\n' "${0##*/}" "$suite" "$arch" >&2
    APT_CONFIG=$root/apt.conf apt-get -q update > "$root/update.log" 2>&1 ||
      apt_failed "apt-get update failed for $suite/$arch: see $root/update.log"
    touch "$root/ready"
  fi
  APT_CONFIG=$root/apt.conf "$tool" "$@"
}

# try_twice SUITE ARCH COMMAND...: a package list that has grown old names files that the mirror
# no longer has; so read it anew before the second try.
try_twice() {
  local suite=$1 arch=$2
  shift 2
  "$@" && return 0
  rm -f "$SANDPIPER_CACHE/apt/$suite-$arch/ready"
  "$@"
}

# fetch_packages SUITE ARCH FOLDER PACKAGE...: downloads just these packages.
fetch_packages() {
  local suite=$1 arch=$2 folder=$3
  shift 3
  mkdir -p "$folder"
  (cd "$folder" && try_twice "$suite" "$arch" \
    private_apt "$suite" "$arch" apt-get -qq download "$@") >&2 ||
    apt_failed "cannot download from $suite/$arch: $*"
}

# unpack_packages SUITE ARCH FOLDER PACKAGE...: downloads just these packages and unpacks them in
# FOLDER, which then holds them and nothing else. Does nothing when that has been done before.
unpack_packages() {
  local folder=$3 deb wanted="$1 $2 ${*:4}"
  [ "$(cat "$folder.packages" 2> /dev/null)" != "$wanted" ] || return 0
  rm -rf "$folder" "$folder.debs" "$folder.packages"
  fetch_packages "$1" "$2" "$folder.debs" "${@:4}"
  mkdir -p "$folder"
  for deb in "$folder.debs"/*.deb; do dpkg-deb -x "$deb" "$folder"; done
  rm -rf "$folder.debs"
  printf '%s\n' "$wanted" > "$folder.packages"
}
