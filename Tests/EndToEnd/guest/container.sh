#!/bin/sh
# Runs in the guest of gpio-vm: container.sh PROGRAM PROFILE. Runs the program as a container would that was
# given one chip: in a root that has the program, its libraries and the profile and else nothing, as a user
# without a name, with and without the chip's group. Tells what happened as board.sh does.
program=$1 profile=$2
# shellcheck source=Tests/EndToEnd/guest/seen.sh
. "$(dirname "$0")/seen.sh"
root=/tmp/container

: > "$seen"
mkdir -p "$root/dev" "$root/proc" "$root/sys" "$root/lib64" "$root/usr/lib" "$root/state"
ln -s usr/lib "$root/lib"
cp "$program" "$root/sandpiper"
cp "$profile" "$root/profile.json"
cp /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
folder=$(dirname "$(find /usr/lib -name 'libgpiod.so.*' | head -n 1)")
mkdir -p "$root$folder"
cp "$folder"/libc.so.6 "$folder"/libm.so.6 "$folder"/libgpiod.so.? "$root$folder/"
chown 8883:8883 "$root/state"
cp -a /dev/null /dev/urandom "$GPIO_CHIP" "$root/dev/"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"

mosquitto -p 1883 > /tmp/mosquitto.log 2>&1 &
until mosquitto_pub -t ready -m 1 2> /dev/null; do sleep 0.1; done
mosquitto_sub -t 'sandpiper/#' -F 'message %r %t %p' >> "$seen" &

timeout 10 /usr/sbin/chroot --userspec=8883:8883 "$root" /sandpiper run --state /state /profile.json \
  > /tmp/refused.log 2>&1
mark without-its-group "$?"
sed 's/^/refused /' /tmp/refused.log >> "$seen"

/usr/sbin/chroot --userspec=8883:8883 --groups="$(stat -c %g "$GPIO_CHIP")" "$root" \
  /sandpiper run --state /state /profile.json 2> /tmp/agent.log &
agent=$!
until_seen 'state/door .*"v":false' 1
line 17 1
until_seen 'state/door .*"v":true' 1
mosquitto_pub -t sandpiper/t1/cmd/pump -m true
until_seen '"result":"done"' 1
mark driven "$(lineval 23)"
mark user "$(sed -n 's/^Uid:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$agent/status")"
kill -TERM "$agent"
wait "$agent"
mark stopped $?
until_seen '"state":"offline"' 1
mark state "$(find "$root/state" -type f -exec basename '{}' ';' | sort | tr '\n' ' ')"
cat "$seen"
sed 's/^/log /' /tmp/agent.log
