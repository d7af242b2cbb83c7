# shellcheck shell=bash disable=SC2034,SC2154
# The device program as a Debian package, and as an archive for other systems. To be sourced by deploy/package.

# choose_device TARGET: sets what its package depends on; fails when there is no such target.
choose_device() {
  target=$1
  case $target in
  amd64 | amd64-13) arch=amd64 ;;
  pi-64 | pi-64-13) arch=arm64 ;;
  pi-32 | pi-32-13 | pi-zero) arch=armhf ;;
  riscv64) arch=riscv64 ;;
  *) return 1 ;;
  esac
  case $target in
  pi-zero) release=static ;;
  amd64) release=$(this_debian) || exit 1 ;;
  *-13 | riscv64) release=deb13 ;;
  *) release=deb12 ;;
  esac
  case $release in
  static) fields=('Recommends: ca-certificates') ;;
  deb13)
    fields=(
      'Depends: libc6 (>= 2.38), libgpiod3' 'Recommends: ca-certificates, libssl3t64 | libssl3') ;;
  deb12) fields=('Depends: libc6 (>= 2.36), libgpiod2' 'Recommends: ca-certificates, libssl3') ;;
  esac
}

build_device() {
  deploy/build "$target"
  program=.build-deploy/$target/sandpiper
  choose_version "$program"
}

make_device() {
  local profile script
  build_device
  root=.build-deploy/$target/package
  rm -rf "$root"
  put 755 "$program" usr/bin/sandpiper
  put 644 deploy/systemd/sandpiper.service usr/lib/systemd/system/sandpiper.service
  put 644 deploy/systemd/sandpiper.sysusers usr/lib/sysusers.d/sandpiper.conf
  put 644 deploy/systemd/60-sandpiper.rules usr/lib/udev/rules.d/60-sandpiper.rules
  put 644 deploy/completions/sandpiper.bash usr/share/bash-completion/completions/sandpiper
  put 644 deploy/man/sandpiper-profile.5 usr/share/man/man5/sandpiper-profile.5
  put 644 devices/schema.json usr/share/sandpiper/schema.json
  for profile in greenhouse smallest; do
    put 644 "devices/$profile.json" "usr/share/doc/sandpiper/examples/$profile.json"
    # There the schema lies elsewhere.
    # shellcheck disable=SC2016  # a key's name, not a variable
    sed -i 's,"\$schema": "schema.json","$schema": "/usr/share/sandpiper/schema.json",' \
      "$root/usr/share/doc/sandpiper/examples/$profile.json"
  done
  install -d -m 755 "$root/etc/sandpiper"
  put_documents sandpiper
  if [[ $release == static ]]; then tell_inside >> "$root/usr/share/doc/sandpiper/copyright"; fi
  for script in postinst prerm postrm; do put 755 "deploy/debian/$script" "DEBIAN/$script"; done
  build_deb sandpiper net "${fields[@]}" <<'TEXT'
Description: telemetry and control of GPIO lines and sensors over MQTT
 A headless agent for embedded Linux boards such as the Raspberry Pi. It
 reads GPIO lines and sensors, drives outputs on command, and publishes
 over MQTT, as a device profile describes it. What can't be delivered
 waits in a journal that outlives the power.
TEXT
}

# tell_inside: whose libraries the static program has inside, as Debian writes it.
tell_inside() {
  cat <<'TEXT'
Comment: This program is linked statically, with Debian's glibc, libgpiod, OpenSSL and c-ares inside; their
 sources are Debian's. Sandpiper's own source and deploy/build make it anew with others.

Files: usr/bin/sandpiper (glibc)
Copyright: Free Software Foundation, Inc., and others
License: LGPL-2.1+
 On Debian systems, see /usr/share/common-licenses/LGPL-2.1.

Files: usr/bin/sandpiper (libgpiod)
Copyright: 2017-2020 Bartosz Golaszewski
License: LGPL-2.1+
 On Debian systems, see /usr/share/common-licenses/LGPL-2.1.

Files: usr/bin/sandpiper (OpenSSL)
Copyright: The OpenSSL Project Authors; Eric A. Young, Tim J. Hudson
License: Apache-2.0
 On Debian systems, see /usr/share/common-licenses/Apache-2.0.

Files: usr/bin/sandpiper (c-ares)
Copyright: 2000-2009 Daniel Stenberg and others; 1998-2000 Massachusetts Institute of Technology
License: MIT
 Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
 documentation files (the "Software"), to deal in the Software without restriction, including without
 limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the
 Software, and to permit persons to whom the Software is furnished to do so, subject to the following
 conditions:
 .
 The above copyright notice and this permission notice shall be included in all copies or substantial portions
 of the Software.
 .
 THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED
 TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL
 THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF
 CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER
 DEALINGS IN THE SOFTWARE.
TEXT
}

# Where the script that installs expects them: deploy/install.
make_archive() {
  local name archive file
  build_device
  name=sandpiper-$version-$arch archive=.build-deploy/sandpiper-$version-$arch.tar.gz
  root=.build-deploy/$target/archive/$name
  rm -rf "${root%/*}"
  put 755 "$program" sandpiper
  put 755 deploy/install install
  put 644 LICENSE LICENSE
  if [[ $release == static ]]; then tell_inside > "$root/NOTICE"; fi
  for file in man/sandpiper.1 man/sandpiper-profile.5 completions/sandpiper.bash init/defaults init/service.sh \
    systemd/sandpiper.service systemd/sandpiper.sysusers systemd/60-sandpiper.rules; do put 644 "deploy/$file" "$file"; done
  for file in init/supervise openrc/sandpiper sysv/sandpiper; do put 755 "deploy/$file" "$file"; done
  for file in schema greenhouse smallest; do put 644 "devices/$file.json" "devices/$file.json"; done
  settle
  rm -f ".build-deploy/sandpiper-"*+"$release-$arch.tar.gz"
  tar -c -C "${root%/*}" --sort=name --owner=0 --group=0 --numeric-owner --format=ustar "$name" |
    gzip -9n > "$archive"
  tell "$archive"
}
