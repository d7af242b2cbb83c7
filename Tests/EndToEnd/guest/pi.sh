#!/bin/sh
# Runs in the guest of pi-vm: pi.sh PROGRAM PROFILE REGISTERS. Plays a day of the agent on an emulated
# Raspberry Pi, whose GPIO registers begin at that address, and prints what happened, for test_pi.py to
# judge: "message RETAINED TOPIC PAYLOAD" for all that a subscriber sees, "mark NAME VALUE" for the rest.
program=$1 profile=$2 registers=$3
seen=/tmp/seen

mark() { echo "mark $*" >> "$seen"; }

uptime() { cut -d ' ' -f 1 /proc/uptime; }

# passed: seconds since $since.
passed() { uptime | awk -v since="$since" '{ printf "%.2f", $1 - since }'; }

# until_seen PATTERN COUNT: waits up to 30 s for that many matching lines.
until_seen() {
  tries=0
  while [ "$(grep -cE "$1" "$seen")" -lt "$2" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || { mark timeout "$1"; return 1; }
    usleep 100000
  done
}

# line N: what the registers say of GPIO N, its direction (GPFSEL) and level (GPLEV0).
line() {
  # Whole numbers: ten pins share a register.
  # shellcheck disable=SC2017
  function=$((($(devmem $((registers + $1 / 10 * 4)) 32) >> $1 % 10 * 3) & 7))
  level=$((($(devmem $((registers + 0x34)) 32) >> $1) & 1))
  case $function in 0) echo "input $level" ;; 1) echo "output $level" ;; *) echo "other $level" ;; esac
}

# start URL OPTION...: the agent, in the background.
start() {
  url=$1
  shift
  "$program" run "$profile" --broker "$url" --log debug "$@" 2>> /tmp/agent.log &
  agent=$!
}

memory() { sed -n "s/^$1:[^0-9]*\([0-9]*\) kB/\1/p" "/proc/$agent/status"; }

: > "$seen"
mark machine "$(uname -m)"
mark begun "$(uptime)"
cat > /tmp/mosquitto.conf <<'CONF'
allow_anonymous true
user root
listener 1883 127.0.0.1
listener 8883 127.0.0.1
certfile /certificates/server.pem
keyfile /certificates/server.key
CONF
mosquitto -c /tmp/mosquitto.conf > /tmp/mosquitto.log 2>&1 &
until mosquitto_pub -t ready -m 1 2> /dev/null; do usleep 100000; done
mosquitto_sub -t 'sandpiper/#' -F 'message %r %t %p' >> "$seen" &

# Nothing pulls a line here, but one that was driven high stays so when it becomes an input.
gpioset gpiochip0 22=1
mark before "$(line 27), $(line 23)"

since=$(uptime)
start mqtt://127.0.0.1:1883
until_seen '"state":"online"' 1
mark online "$(passed)"
for point in door high pump valve cpu; do until_seen "state/$point " 1; done
mark at-start "$(line 27), $(line 23)"
mark of-inputs "$(line 17), $(line 22)"
mark memory "$(memory VmRSS)"
mark memory-of-its-own "$(memory RssAnon)"

mosquitto_pub -t sandpiper/t1/cmd/pump -m '{"v":true,"id":"a"}'
until_seen '"id":"a".*"result":"done"' 1
mark driven "$(line 27), $(line 23)"
mark seen-by-the-kernel "$(grep 'GPIO27' /sys/kernel/debug/gpio)"
mosquitto_pub -t sandpiper/t1/cmd/valve -m '{"v":true,"id":"b"}'
until_seen '"id":"b".*"result":"done"' 1
mark both-driven "$(line 27), $(line 23)"

"$program" lines 2>&1 | sed 's/^/lines /' >> "$seen"
"$program" doctor --offline --json "$profile" 2>&1 | sed 's/^/doctor /' >> "$seen"

kill -TERM "$agent"
wait "$agent"
mark stopped $?
mark released "$(line 27)"
until_seen '"state":"offline"' 1

# Once more, over TLS, and with a clock.
date -s "@$(cat /certificates/time)" > /dev/null
since=$(uptime)
start mqtts://localhost:8883
until_seen '"state":"online"' 2
mark online-over-tls "$(passed)"
until_seen 'state/cpu .*"tq":"estimated"' 1
"$program" doctor --offline --json "$profile" 2>&1 | sed 's/^/doctor-later /' >> "$seen"
mark memory-with-tls "$(memory VmRSS)"
kill -TERM "$agent"
wait "$agent"
mark stopped-again $?
until_seen '"state":"offline"' 2

sed 's/^/log /' /tmp/agent.log >> "$seen"
cat "$seen"
