# shellcheck shell=bash disable=SC2154
# The guest's root file system: a shell, gpiod's tools, and what --with asks for, picked from the
# packages of the Debian release that has the wanted libgpiod. Sourced by gpio-vm.

# prepare_base: sets $base, the archive of the guest's root file system.
prepare_base() {
  local suite=trixie key stamp tree root
  [ "$libgpiod" = 2 ] || suite=bookworm
  key=gpiod$libgpiod$(printf '%s\n' "${with[@]}" | sed '/^$/d; s/^/-/' | sort -u | tr -d '\n')
  base=$CACHE/base-$key.cpio
  stamp=$(cat "$HERE/guest"/* "$HERE/guest.sh" "$HERE/../guest-files.sh" "$kdir/version" | sha256sum)
  [ ! -e "$base" ] || [ "$(cat "$base.stamp" 2> /dev/null)" != "$stamp" ] || return 0
  progress "building the guest's files ($key)"
  tree=$CACHE/tree-$suite
  root=$(mktemp -d "$CACHE/root.XXXXXX")
  unpack_programs
  fill_root
  (cd "$root" && find . -print0 | sort -z | cpio --null -o -H newc --quiet -R 0:0) > "$base.new"
  cpio -it --quiet < "$base.new" > "$base.files"
  mv "$base.new" "$base"
  printf '%s\n' "$stamp" > "$base.stamp"
  rm -rf "$root"
}

# unpack_programs: fills $tree with the packages that are not there yet.
unpack_programs() {
  local packages=(libc6 gpiod busybox-static dash coreutils) package item absent=()
  for item in "${with[@]}"; do
    case $item in
    mosquitto) packages+=(mosquitto mosquitto-clients) ;;
    tc) packages+=(iproute2) ;;
    esac
  done
  for package in "${packages[@]}"; do
    [ -e "$tree/.have-$package" ] || absent+=("$package")
  done
  [ ${#absent[@]} -gt 0 ] || return 0
  unpack_with_dependencies "$suite" "$tree" "${absent[@]}"
  for package in "${absent[@]}"; do touch "$tree/.have-$package"; done
}

# fill_root: puts together $root from $tree, $kdir and guest/.
fill_root() {
  local item groups=$MODULES
  mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,usr/lib,etc,proc,sys,dev,tmp,run,root,var/lib,modules}
  mkdir -p "$root/lib64"
  ln -s usr/lib "$root/lib"
  # The dynamic loader, where programs look for it.
  install -m 755 "$(in_tree "$tree" 'ld-linux*.so*')" "$root/lib64/ld-linux-x86-64.so.2"
  pick "$tree" "$root" usr/bin/gpio{detect,info,get,set,mon,notify,find}
  # busybox's shell runs its own commands before those of $PATH, and its date and sleep know no
  # fractions: take Debian's.
  pick "$tree" "$root" usr/bin/dash bin/dash usr/bin/{date,sleep,timeout} bin/{date,sleep}
  if [ -e "$root/bin/dash" ]; then
    ln -s dash "$root/bin/sh"
  else
    ln -s ../usr/bin/dash "$root/bin/sh"
  fi
  # Libraries that programs open by name.
  pick "$tree" "$root" {usr/,}lib/"$triplet"/lib{resolv.so.2,m.so.6,dl.so.2,pthread.so.0,gcc_s.so.1}
  for item in "${with[@]}"; do
    case $item in
    mosquitto) pick "$tree" "$root" usr/sbin/mosquitto usr/bin/mosquitto_{pub,sub} ;;
    tc)
      pick "$tree" "$root" usr/sbin/tc sbin/tc usr/bin/ip bin/ip usr/bin/ss bin/ss
      mkdir -p "$root/usr/lib/tc" "$root/etc/iproute2"
      cp "$tree"/usr/lib/*/tc/*.dist "$tree"/usr/lib/tc/*.dist "$root/usr/lib/tc/" \
        2> /dev/null || true
      groups+=" $MODULES_TC" ;;
    esac
  done
  install -m 755 "$(find "$tree" -path '*bin/busybox' -type f -print -quit)" "$root/bin/busybox"
  install -m 755 "$HERE/guest/init" "$root/init"
  install -m 755 "$HERE/guest/line" "$HERE/guest/lineval" "$root/usr/bin/"
  gcc -O2 -Wall -Wextra -Werror -static -o "$root/usr/bin/gpio-stim" "$HERE/guest/gpio-stim.c"
  cat > "$root/etc/passwd" <<'PASSWD'
root:x:0:0:root:/root:/bin/sh
mosquitto:x:100:100::/var/lib/mosquitto:/bin/false
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
PASSWD
  printf 'root:x:0:\nmosquitto:x:100:\ngpio:x:997:\nnogroup:x:65534:\n' > "$root/etc/group"
  printf '127.0.0.1 localhost gpio-vm\n::1 localhost\n' > "$root/etc/hosts"
  printf 'hosts: files\npasswd: files\ngroup: files\n' > "$root/etc/nsswitch.conf"
  cp "$kdir/modules"/* "$root/modules/"
  tr ' ' '\n' <<< "$groups" > "$root/modules/load"
  tr ' ' '\n' <<< "$MODULES_SHARE" > "$root/modules/load-share"
}
