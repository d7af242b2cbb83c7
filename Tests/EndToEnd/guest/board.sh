#!/bin/sh
# Runs in the guest of gpio-vm: board.sh PROGRAM PROFILE. Moves lines under a running agent and
# prints what happened, for test_gpio.py to judge: "message RETAINED TOPIC PAYLOAD" for all that a
# subscriber sees, "mark NAME VALUE" for what was done in between.
program=$1 profile=$2
# shellcheck source=Tests/EndToEnd/guest/seen.sh
. "$(dirname "$0")/seen.sh"

mosquitto -p 1883 > /tmp/mosquitto.log 2>&1 &
: > "$seen"
until mosquitto_pub -t ready -m 1 2> /dev/null; do sleep 0.1; done
mosquitto_sub -t 'sandpiper/#' -F 'message %r %t %p' >> "$seen" &
"$program" run "$profile" --broker mqtt://127.0.0.1:1883 --log debug 2> /tmp/agent.log &
agent=$!
state=sandpiper/t1/state
until_seen "$state/door .*\"v\":false" 1
until_seen "$state/pump " 1
until_seen "$state/gate " 1
until_seen "$state/water " 1

# While the agent stands still, the kernel alone can tell when the line moved.
kill -STOP "$agent"
mark pulled "$(date +%s.%N)"
line 17 1
sleep 2
mark resumed "$(date +%s.%N)"
kill -CONT "$agent"
until_seen "$state/door .*\"v\":true" 1

mosquitto_pub -t sandpiper/t1/cmd/pump -m true
until_seen 'sandpiper/t1/result .*"result":"done"' 1
mark driven "$(lineval 23)"

gpio-stim bounce GPIO5 1 5 1000 2> /dev/null
until_seen 'event/gate .*"v":true' 1
gpio-stim bounce GPIO5 0 5 1000 2> /dev/null
until_seen 'event/gate .*"v":false' 1
sleep 0.3

gpio-stim pulses GPIO6 20 20000 2> /dev/null
until_seen "$state/water .*\"v\":20\\b" 1

"$program" doctor --offline --json "$profile" > /tmp/doctor.log

# A new profile with a line that no chip has is not taken, although nothing else is wrong with it.
cp "$profile" /tmp/good.json
sed 's/GPIO17/GPIO99/' /tmp/good.json > "$profile"
kill -HUP "$agent"
tries=0
until grep -q 'nothing changes' /tmp/agent.log || [ "$tries" -ge 100 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
cp /tmp/good.json "$profile"

# With another good profile it begins anew, and the output stays on.
sed 's/"60s"/"61s"/' /tmp/good.json > "$profile"
kill -HUP "$agent"
tries=0
until grep -q 'outputs that go on' /tmp/agent.log || [ "$tries" -ge 1000 ]; do
  tries=$((tries + 1))
  [ "$(lineval 23)" = 1 ] || mark blinked "$tries"
done
until_seen "$state/pump .*\"v\":true" 2
mark held "$(lineval 23)"

# Without the output in the profile its line goes to its state for a stop, and is free.
sed 's/GPIO23/GPIO24/' /tmp/good.json > "$profile"
kill -HUP "$agent"
tries=0
until "$program" lines | grep -q 'GPIO24 .*sandpiper' || [ "$tries" -ge 100 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
mark left "$(lineval 23) $("$program" lines | grep -c 'GPIO23 .*used by')"
cp /tmp/good.json "$profile"

kill -TERM "$agent"
wait "$agent"
mark stopped $?
mark released "$(lineval 23)"
until_seen '"state":"offline"' 1

cat "$seen"
sed 's/^/log /' /tmp/agent.log

# The same profile with a line that no chip has.
sed 's/GPIO17/GPIO99/' "$profile" > /tmp/unknown.json
timeout 10 "$program" run /tmp/unknown.json --broker mqtt://127.0.0.1:1883 > /tmp/unknown.log 2>&1
echo "mark unknown $?"
sed 's/^/unknown /' /tmp/unknown.log
"$program" lines 2>&1 | sed 's/^/lines /'
sed 's/^/doctor /' /tmp/doctor.log

# Nor does any chip have this line free: another program watches it. With libgpiod 1 a chip is no option.
(gpiomon "${GPIO_CHIP##*/}" 7 || gpiomon -c "$GPIO_CHIP" 7) > /tmp/gpiomon.log 2>&1 &
tries=0
until "$program" lines | grep -q 'GPIO7 .*used by' || [ "$tries" -ge 100 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
sed 's/GPIO6/GPIO7/' /tmp/unknown.json > /tmp/sick.json
"$program" doctor --offline --json /tmp/sick.json | sed 's/^/sick /'

# A profile for this board: of lines that are there and free, each named as it can be.
"$program" init -o /tmp/init.json --input door=GPIO17 --output "pump=$("$program" lines |
  sed -n 's/^chip "\(.*\)" (.*/\1/p' | head -n 1):23" --counter water=GPIO6 --no-sensors < /dev/null > /tmp/init.log 2>&1
echo "mark init $?"
"$program" check /tmp/init.json > /dev/null 2>&1
echo "mark init-checked $?"
tr -d '\n' < /tmp/init.json | sed 's/^/init /'
echo
for wanted in GPIO99 GPIO7; do
  "$program" init -o /tmp/no.json --input "door=$wanted" --no-sensors < /dev/null 2>&1 | sed 's/^/init /'
done
"$program" init -o /tmp/no.json --input a=GPIO17 --output b=GPIO17 < /dev/null 2>&1 | sed 's/^/init /'
echo "mark init-refused $([ -e /tmp/no.json ] || echo nothing-written)"

# Another chip, a line of which has the name of one of the first.
other=/sys/kernel/config/gpio-sim/other
mkdir "$other" "$other/bank"
echo 4 > "$other/bank/num_lines"
echo second > "$other/bank/label"
mkdir "$other/bank/line2"
echo GPIO17 > "$other/bank/line2/name"
echo 1 > "$other/live"
"$program" init -o /tmp/twin.json --input door=second:2 --input gate=GPIO18 --no-sensors < /dev/null > /tmp/twin.log 2>&1
tr -d '\n' < /tmp/twin.json | sed 's/^/twin /'
echo
"$program" doctor --offline --json /tmp/twin.json | sed 's/^/twin /'
