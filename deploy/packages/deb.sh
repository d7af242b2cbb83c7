# shellcheck shell=bash disable=SC2154
# What the Debian packages have in common, without debhelper's help. To be sourced by deploy/package, for
# $root, $version, $release and $arch.

readonly MAINTAINER="${DEBFULLNAME:-The Sandpiper authors} <${DEBEMAIL:-sandpiper@localhost}>"

# put_documents NAME: what each package has to tell of itself.
put_documents() {
  local doc=$root/usr/share/doc/$1
  mkdir -p "$doc"
  {
    printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n'
    printf 'Upstream-Name: sandpiper\n\nFiles: *\nCopyright: 2026 The Sandpiper authors\nLicense: Apache-2.0\n'
    printf ' On Debian systems, see /usr/share/common-licenses/Apache-2.0.\n'
  } > "$doc/copyright"
  printf '%s (%s) unstable; urgency=medium\n\n  * Built from the source as of this date.\n\n -- %s  %s\n' \
    "$1" "$version" "$MAINTAINER" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n > "$doc/changelog.gz"
  put 644 "deploy/man/$1.1" "usr/share/man/man1/$1.1"
  gzip -9n "$root"/usr/share/man/man?/*
}

# build_deb NAME SECTION FIELD...: makes the package of all below $root. Its description is read from standard
# input.
build_deb() {
  local package=.build-deploy/$1_${version}_$arch.deb
  install -d -m 755 "$root/DEBIAN"
  {
    printf 'Package: %s\nVersion: %s\nArchitecture: %s\n' "$1" "$version" "$arch"
    printf 'Maintainer: %s\nSection: %s\nPriority: optional\n' "$MAINTAINER" "$2"
    printf '%s\n' "${@:3}"
    printf 'Installed-Size: %s\n' "$(du -k -s --apparent-size --exclude=DEBIAN "$root" | cut -f1)"
    cat
  } > "$root/DEBIAN/control"
  (cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) > "$root/DEBIAN/md5sums"
  settle
  # Of each kind there is one, the last.
  rm -f ".build-deploy/$1_"*+"${release}_$arch.deb"
  dpkg-deb --root-owner-group -Zxz --build "$root" "$package" > /dev/null
  tell "$package"
}
