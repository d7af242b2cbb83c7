# shellcheck shell=bash disable=SC2034,SC2154
# The workbench as a Debian package. To be sourced by deploy/package.

make_lab() {
  local built=.build-deploy/lab program kind depends
  arch=$(dpkg --print-architecture)
  release=$(this_debian)
  deploy/setup lab
  # With Swift's libraries inside, which Debian does not have; without a place to look for others in.
  swift build -c release --product sandpiper-lab --static-swift-stdlib --disable-local-rpath \
    --scratch-path "$built" < /dev/null >&2
  program=$built/release/sandpiper-lab
  choose_version "$program"
  root=$built/package
  rm -rf "$root"
  put 755 "$program" usr/bin/sandpiper-lab
  strip "$root/usr/bin/sandpiper-lab"
  mkdir -p "$root/usr/share/sandpiper/devices" "$root/usr/share/bash-completion/completions"
  for kind in . links hardware scenarios; do
    install -D -m 644 -t "$root/usr/share/sandpiper/devices/$kind" "devices/$kind"/*.json
  done
  # The program knows its commands best, and finds its folder beside it.
  "$root/usr/bin/sandpiper-lab" --generate-completion-script bash | sed '1{/^#!/d}' \
    > "$root/usr/share/bash-completion/completions/sandpiper-lab"
  put_documents sandpiper-lab
  depends=$(lab_depends "$PWD/$root/usr/bin/sandpiper-lab")
  build_deb sandpiper-lab net "Depends: $depends" 'Recommends: libssl3t64 | libssl3' 'Suggests: sandpiper' <<'TEXT'
Description: workbench for Sandpiper's device profiles
 Tries a device profile without board and broker. It simulates a device in
 virtual time under faults of the link, the broker, the flash and the power,
 and says what became of its readings; runs fleets of thousands of devices
 against a broker; and brings a small MQTT broker and clients of its own.
TEXT
}

# lab_depends PROGRAM: the packages of its shared libraries, in versions that have what it uses.
lab_depends() {
  local folder=$root.depends found
  rm -rf "$folder"
  mkdir -p "$folder/debian"
  printf 'Source: sandpiper\n\nPackage: sandpiper-lab\nArchitecture: any\n' > "$folder/debian/control"
  found=$(cd "$folder" && dpkg-shlibdeps -O -e"$1" 2> said) || die "dpkg-shlibdeps: $(cat "$folder/said")"
  printf '%s\n' "${found#shlibs:Depends=}"
}
