#!/bin/sh
# Runs in the guest of gpio-vm: outputs.sh PROGRAM FOLDER. What becomes of outputs when an agent begins anew and
# not all is as it should be, for test_outputs.py to judge: "message ..." and "mark NAME VALUE" as board.sh.
program=$1 folder=$2
# shellcheck source=Tests/EndToEnd/guest/seen.sh
. "$(dirname "$0")/seen.sh"
profile=/tmp/profile.json state=/tmp/state

# watch_until PATTERN: until the log has it, up to 30 s; marks each look at which the pump was seen off.
watch_until() {
  tries=0
  until grep -q "$1" /tmp/agent.log; do
    tries=$((tries + 1))
    [ "$tries" -lt 3000 ] || { mark timeout "$1"; return 1; }
    [ "$(lineval 23)" = 1 ] || mark blinked "$tries"
    sleep 0.01
  done
}

mkdir "$state"
mosquitto -p 1883 > /tmp/mosquitto.log 2>&1 &
: > "$seen"
until mosquitto_pub -t ready -m 1 2> /dev/null; do sleep 0.1; done
mosquitto_sub -t 'sandpiper/#' -F 'message %r %t %p' >> "$seen" &
cp "$folder/pump.json" "$profile"
"$program" run "$profile" --state "$state" --broker mqtt://127.0.0.1:1883 2> /tmp/agent.log &
agent=$!
until_seen 'state/pump .*"v":false' 1
mosquitto_pub -t sandpiper/t1/cmd/pump -m '{"v":true,"id":"on"}'
until_seen '"id":"on"' 1

# A profile is on trial, of which another program has a line: the one before comes back.
(gpiomon "${GPIO_CHIP##*/}" 5 || gpiomon -c "$GPIO_CHIP" 5) > /tmp/gpiomon.log 2>&1 &
tries=0
until "$program" lines | grep -q 'GPIO5 .*used by' || [ "$tries" -ge 100 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
cp "$folder/record" "$state/t1.care"
cp "$folder/trial.json" "$state/t1.trial.json"
kill -HUP "$agent"
watch_until 'GPIO5.*in use'
until_seen 'state/pump .*"v":true' 2
mark after-trial "$(lineval 23)"

# The chip goes and comes back, and the agent begins anew: what is on for a time goes off when that is over.
value() { cat /sys/devices/platform/gpio-sim.*/gpiochip*/sim_gpio23/value; }
mosquitto_pub -t sandpiper/t1/cmd/pump -m '{"v":true,"for":"40s","id":"timed"}'
until_seen '"id":"timed"' 1
live=/sys/kernel/config/gpio-sim/vm/live
echo 0 > "$live"
until_seen 'state/pump .*"why":"missing"' 1
echo 1 > "$live"
until_seen 'state/pump .*"v":true' 4
mark back "$(value)"
sed 's/"60s"/"61s"/' "$folder/pump.json" > "$profile"
kill -HUP "$agent"
tries=0
until [ "$(grep -c 'outputs that go on' /tmp/agent.log)" = 2 ] || [ "$tries" -ge 100 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
mark anew "$(value)"
tries=0
until [ "$(value)" = 0 ] || [ "$tries" -ge 600 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
mark timed "$(value)"
mosquitto_pub -t sandpiper/t1/cmd/pump -m '{"v":true,"id":"again"}'
until_seen '"id":"again"' 1

# A profile without lines: the output goes to its state for a stop, and is free.
cp "$folder/lineless.json" "$profile"
kill -HUP "$agent"
tries=0
while "$program" lines | grep -q 'GPIO23 .*used by' && [ "$tries" -lt 100 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
mark lineless "$(value) $("$program" lines | grep -c 'GPIO23 .*used by')"
kill -TERM "$agent"
wait "$agent"
mark stopped $?
cat "$seen"
sed 's/^/log /' /tmp/agent.log
