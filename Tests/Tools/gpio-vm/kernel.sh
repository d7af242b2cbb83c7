# shellcheck shell=bash disable=SC2154
# The guest's kernel: Debian 12's, which still has both GPIO interfaces (v1 for libgpiod 1, v2 for
# libgpiod 2), with the gpio-sim driver, which Debian does not ship for it, built here from its
# own source package. Sourced by gpio-vm.

readonly KERNEL_SUITE=bookworm

# Modules wanted in the guest, by the names modprobe knows.
readonly MODULES="virtio_pci virtio_console configfs gpio_sim"
readonly MODULES_SHARE="9p 9pnet_virtio"
readonly MODULES_TC="sch_netem sch_tbf sch_prio cls_u32 dummy"
# For the guest of service-vm.
readonly MODULES_NET="virtio_net"

# prepare_kernel: fills $kdir with vmlinuz and modules/: plain .ko files, and a list for each wanted
# module of the files to insert, in order.
prepare_kernel() {
  local wanted="$MODULES $MODULES_SHARE $MODULES_TC $MODULES_NET" image version deb
  kdir=$CACHE/kernel-$(cksum <<< "$wanted" | cut -d ' ' -f 1)
  [ ! -e "$kdir/ready" ] || return 0
  rm -rf "$kdir"
  mkdir -p "$kdir/root/lib/modules" "$kdir/modules"
  read -r image < <(depends "$KERNEL_SUITE" linux-image-amd64 '^linux-image-') ||
    die "$KERNEL_SUITE has no linux-image-amd64"
  version=${image#linux-image-}
  progress "downloading kernel $version"
  fetch_packages "$KERNEL_SUITE" amd64 "$kdir/debs" "$image"
  for deb in "$kdir/debs"/*.deb; do dpkg-deb -x "$deb" "$kdir/tree"; done
  cp "$kdir/tree/boot/vmlinuz-$version" "$kdir/vmlinuz"
  mv "$kdir/tree/lib/modules/$version" "$kdir/root/lib/modules/$version"
  build_gpio_sim "$version"
  depmod -b "$kdir/root" "$version" 2> /dev/null
  collect_modules "$version" "$wanted"
  rm -rf "$kdir/tree" "$kdir/root" "$kdir/debs"
  printf '%s\n' "$version" > "$kdir/version"
  touch "$kdir/ready"
}

# collect_modules VERSION MODULES: copies them, and what they need, to $kdir/modules.
collect_modules() {
  local version=$1 name file ko
  for name in $2; do
    while read -r file; do
      ko=$(basename "$file" .xz)
      case $file in
      *.xz) xz -dc "$file" > "$kdir/modules/$ko" ;;
      *) cp "$file" "$kdir/modules/$ko" ;;
      esac
      printf '%s\n' "$ko"
    done < <(modprobe -d "$kdir/root" -S "$version" --show-depends "$name" 2> /dev/null |
      awk '$1 == "insmod" { print $2 }') > "$kdir/modules/$name.order"
  done
  [ -e "$kdir/modules/gpio-sim.ko" ] || die "kernel $version has no gpio-sim"
}

# build_gpio_sim VERSION: compiles gpio-sim and the interrupt simulator it needs as one module.
build_gpio_sim() {
  local version=$1 build=$kdir/build series headers deb
  series=$(sed -E 's/^([0-9]+\.[0-9]+).*/\1/' <<< "$version")
  headers=linux-headers-$version
  progress "building gpio-sim for $version"
  mkdir -p "$build/module"
  fetch_packages "$KERNEL_SUITE" amd64 "$build/debs" "$headers" "linux-source-$series" \
    "$(depends "$KERNEL_SUITE" "$headers" '^linux-headers-.*-common$')" \
    "$(depends "$KERNEL_SUITE" "$headers" '^linux-kbuild-')"
  for deb in "$build/debs"/linux-[hk]*.deb; do dpkg-deb -x "$deb" "$build/tree"; done
  dpkg-deb --fsys-tarfile "$build/debs"/linux-source-*.deb |
    tar -xO "./usr/src/linux-source-$series.tar.xz" | xz -dc |
    tar -x -C "$build/module" --strip-components=1 --wildcards \
      '*/drivers/gpio/gpio-sim.c' '*/drivers/gpio/gpiolib.h' '*/kernel/irq/irq_sim.c'
  (
    cd "$build/module" || exit
    mv drivers/gpio/gpio-sim.c sim-chip.c
    mv drivers/gpio/gpiolib.h gpiolib.h
    # irq_to_desc() is not for modules; generic_handle_irq() looks it up itself.
    sed 's/handle_simple_irq(irq_to_desc(\(.*\)));/generic_handle_irq(\1);/' \
      kernel/irq/irq_sim.c > sim-irq.c
    printf 'obj-m := gpio-sim.o\ngpio-sim-y := sim-chip.o sim-irq.o\n' > Makefile
  )
  sed -i "s#/usr/src/#$build/tree/usr/src/#" "$build/tree/usr/src/$headers/Makefile"
  make -C "$build/tree/usr/src/$headers" M="$build/module" CC=gcc modules > "$build/log" 2>&1 ||
    die "building gpio-sim failed: see $build/log"
  strip --strip-debug "$build/module/gpio-sim.ko"
  install -D -m 644 "$build/module/gpio-sim.ko" \
    "$kdir/root/lib/modules/$version/extra/gpio-sim.ko"
  rm -rf "$build"
}
