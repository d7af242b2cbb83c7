# shellcheck shell=bash disable=SC2034,SC2154
# The kinds of boards that deploy/build builds for, and what each asks of compilers and linker.
# To be sourced by deploy/build.

# shellcheck source=deploy/private-apt.sh
. deploy/private-apt.sh

readonly TARGETS=(amd64 amd64-13 pi-64 pi-64-13 pi-32 pi-32-13 pi-zero riscv64)

# describe TARGET: what it is for, in a line.
describe() {
  case $1 in
  amd64) echo "x86-64 with the Debian of the machine that builds" ;;
  amd64-13) echo "x86-64 with Debian 13" ;;
  pi-64) echo "Raspberry Pi 3, 4, 5, Zero 2 with a 64-bit Debian 12 or Raspberry Pi OS 12" ;;
  pi-64-13) echo "the same with Debian 13 or Raspberry Pi OS 13" ;;
  pi-32) echo "Raspberry Pi 2, 3, 4, Zero 2 with a 32-bit Debian 12 (armhf: ARMv7, hard float)" ;;
  pi-32-13) echo "the same with Debian 13" ;;
  pi-zero) echo "every Raspberry Pi, ARMv6 and later, with any 32-bit system: one static file" ;;
  riscv64) echo "64-bit RISC-V boards with Debian 13" ;;
  esac
}

# LLVM's ARM load and store optimizer (Swift 6.3) turns two loads through r10 into "ldm r10!, ..."
# after the prologue was written: r10 is then changed and not restored, but it holds Swift's self,
# which the caller goes on using. check_self has the proof.
readonly ARM_FLAGS=(-Xllvm -arm-load-store-opt=false)
# Files and times of 64 bits where words have 32.
readonly WIDE_FLAGS=(-D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64)

# Sets, for $target: Debian's name of the CPU, the gcc prefix, the toolchain's folder of the embedded
# standard library, the options by which Swift knows the CPU, those for Swift, C (both compilers) and CTLS
# alone where a module touches the C library, those for the link, and the Debian packages of the board's
# libraries, which come from $suite; none for this machine itself.
choose_target() {
  arch='' prefix='' embedded='' cpu_flags=() swift_flags=() c_flags=(-D__linux__=1 -D_DEFAULT_SOURCE)
  tls_flags=() link_flags=() libraries=(-lgpiod -lm)
  # OpenSSL is loaded by the program: it, and what it needs, is there for tests that run the program here.
  suite=bookworm packages=(libc6 libc6-dev linux-libc-dev libgpiod-dev libgpiod2 libssl-dev libssl3)
  case $target in
  *-13 | riscv64)
    suite=trixie
    packages=(
      libc6 libc6-dev linux-libc-dev libgpiod-dev libgpiod3 libssl-dev libssl3t64 libzstd1 zlib1g) ;;
  esac
  case $target in
  amd64 | amd64-13)
    [ "$(uname -m)" = x86_64 ] || die "$target is built on x86-64 only"
    arch=amd64 embedded=x86_64-unknown-linux-gnu
    [ "$target" != amd64 ] || packages=() ;;
  pi-64 | pi-64-13)
    arch=arm64 prefix=aarch64-linux-gnu- embedded=aarch64-none-none-elf ;;
  pi-32 | pi-32-13)
    arch=armhf prefix=arm-linux-gnueabihf- embedded=armv7-none-none-eabi
    cpu_flags+=(-Xcc -mfloat-abi=hard -Xcc -mfpu=vfpv3-d16 "${ARM_FLAGS[@]}")
    c_flags+=("${WIDE_FLAGS[@]}")
    # Swift's tables for Unicode name the routine that unwinds, for which libgcc_s would be loaded. Nothing
    # in this program is ever unwound.
    link_flags+=("-Wl,--defsym=__aeabi_unwind_cpp_pr0=0")
    # Debian 13's OpenSSL has a time_t of 64 bits too, Debian 12's the old one.
    [ "$suite" = trixie ] || tls_flags=(-U_TIME_BITS) ;;
  riscv64)
    arch=riscv64 prefix=riscv64-linux-gnu- embedded=riscv64-none-none-eabi
    cpu_flags+=(-Xcc -march=rv64gc -Xcc -mabi=lp64d) ;;
  pi-zero)
    # Debian's armel libc is for ARMv5 and soft floats; its armhf is for ARMv7. A static program
    # runs whatever the board's user space is. A static getaddrinfo would need the board's own
    # NSS modules, so names are resolved by c-ares.
    arch=armel prefix=arm-linux-gnueabi- embedded=armv6-none-none-eabi
    packages=(libc6-dev linux-libc-dev libgpiod-dev libc-ares-dev libssl-dev)
    cpu_flags+=(-Xcc -mfloat-abi=soft -Xcc -march=armv6 "${ARM_FLAGS[@]}")
    swift_flags+=(-D SANDPIPER_CARES)
    c_flags+=(-DSANDPIPER_CARES "${WIDE_FLAGS[@]}")
    # A static program cannot load OpenSSL, so it has one inside: this Debian's, whatever the board
    # gets as updates, and without PKCS#11. Its time_t is the old one, of 32 bits.
    tls_flags=(-DSANDPIPER_TLS_LINKED -U_TIME_BITS)
    link_flags+=(-static)
    # ARMv5, for which Debian compiled it, has no atomic operations on 64 bits.
    libraries+=(-lcares -lssl -lcrypto -latomic) ;;
  esac
  [ -z "$prefix" ] || cpu_flags+=(-target "$embedded")
}

# Adds the folders of the toolchain and of the board's libraries to the options. Leaves the latter at
# $folder/libraries too, for who wants to run the program here.
choose_folders() {
  local resources sysroot found headers flag module
  resources=$(swiftc -print-target-info |
    sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
  embedded_folder=$resources/embedded/$embedded toolchain_folder=${resources%/lib/swift}/bin
  [ -d "$embedded_folder" ] || die "this Swift toolchain has no embedded library for $embedded"
  compiler=${prefix}gcc sysroot_flags=()
  command -v "$compiler" > /dev/null || die "$compiler is missing"
  link_flags+=("-B$toolchain_folder" -fuse-ld=lld "-Wl,--gc-sections" "-Wl,--as-needed")
  for flag in "${c_flags[@]}"; do swift_flags+=(-Xcc "$flag"); done
  if [ ${#packages[@]} -gt 0 ]; then
    sysroot=$SANDPIPER_CACHE/libraries-$suite-$arch
    unpack_libraries "$sysroot"
    ln -sfn "$sysroot" "$folder/libraries"
    found=$(dirname "$(find "$sysroot/usr/lib" -name libgpiod.so -print -quit)")
    headers=(-isystem "$sysroot/usr/include" -isystem "$sysroot/usr/include/${found##*/}")
    for flag in "${headers[@]}"; do swift_flags+=(-Xcc "$flag"); done
    # Headers and libraries before those that the cross compiler brings, which may be of another Debian.
    sysroot_flags=("--sysroot=$sysroot" "${headers[@]}")
    link_flags+=("-B$found" "-L$found")
  fi
  for module in "${C_MODULES[@]}"; do
    swift_flags+=(-I "$(dirname "$(find "Sources/$module" -name module.modulemap)")")
  done
}

# unpack_libraries FOLDER: the packages, of which builds beside each other may want the same.
unpack_libraries() {
  local name
  mkdir -p "$SANDPIPER_CACHE"
  (
    flock 9
    unpack_packages "$suite" "$arch" "$1" "${packages[@]}"
    # Linker scripts and programs name the C library beneath /lib, which in Debian 13 is /usr/lib.
    for name in lib lib64; do
      [ -e "$1/$name" ] || [ ! -e "$1/usr/$name" ] || ln -s "usr/$name" "$1/$name"
    done
  ) 9> "$SANDPIPER_CACHE/lock"
}
