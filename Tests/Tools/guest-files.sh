# shellcheck shell=bash disable=SC2154
# What goes into a virtual machine, picked from Debian packages. To be sourced, after
# deploy/private-apt.sh, by tools that set $guest_arch and $triplet: Debian's names of the guest's
# processor, such as amd64 and x86_64-linux-gnu. die() is the tool's.

# depends SUITE PACKAGE PATTERN: the packages matching PATTERN that PACKAGE depends on.
depends() {
  private_apt "$1" "$guest_arch" apt-cache depends "$2" |
    awk -v pattern="$3" '/Depends:/ && $2 ~ pattern { sub(/:.*/, "", $2); print $2 }'
}

# unpack_with_dependencies SUITE FOLDER PACKAGE...: into FOLDER, beside what is there.
unpack_with_dependencies() {
  local suite=$1 folder=$2 deb archives=$SANDPIPER_CACHE/apt/$1-$guest_arch/cache/archives
  shift 2
  try_twice "$suite" "$guest_arch" \
    private_apt "$suite" "$guest_arch" apt-get -qq -y install --download-only "$@" >&2 ||
    die "cannot download from $suite/$guest_arch: $*"
  mkdir -p "$folder"
  for deb in "$archives"/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$folder" --keep-directory-symlink
  done
  rm -f "$archives"/*.deb
}

# in_tree TREE NAME: the library of that name among unpacked packages.
in_tree() {
  find "$1/usr/lib/$triplet" "$1/lib/$triplet" -maxdepth 2 -name "$2" -print -quit \
    2> /dev/null || true
}

# pick TREE ROOT PATH...: copies programs from an unpacked tree of packages, and the libraries they
# need, to the same places in ROOT.
pick() {
  local tree=$1 root=$2 path library found queue=()
  shift 2
  for path in "$@"; do
    [ -e "$tree/$path" ] || continue
    install -D -m 755 "$tree/$path" "$root/$path"
    queue+=("$tree/$path")
  done
  while [ ${#queue[@]} -gt 0 ]; do
    path=${queue[0]}
    queue=("${queue[@]:1}")
    while read -r library; do
      [ ! -e "$root/usr/lib/$triplet/$library" ] || continue
      found=$(in_tree "$tree" "$library")
      [ -n "$found" ] || continue
      install -D -m 755 "$(readlink -f "$found")" "$root/usr/lib/$triplet/$library"
      queue+=("$found")
    done < <(readelf -d "$path" 2> /dev/null | awk -F'[][]' '/\(NEEDED\)/ { print $2 }')
  done
}
