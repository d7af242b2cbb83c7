#!/bin/sh
# Runs in the guest of service-vm, under systemd: what becomes of the service. Prints "mark NAME VALUE" for
# test_unit.py to judge, which plays the broker's side meanwhile.
unit=sandpiper.service

mark() { echo "mark $1 $2"; }

show() { systemctl show --value --property "$1" "$unit"; }

# until_shown PROPERTY PATTERN [SECONDS]: waits until the unit's property matches.
until_shown() {
  tries=0
  until show "$1" | grep -qE "$2"; do
    tries=$((tries + 1))
    [ "$tries" -lt $((${3:-60} * 5)) ] || { mark timeout "$1 $2: $(show "$1")"; return 1; }
    sleep 0.2
  done
}

# until_level WANTED: waits until the output has that level.
until_level() {
  tries=0
  until [ "$(line 23)" = "$1" ] || [ "$tries" -gt 300 ]; do
    tries=$((tries + 1))
    sleep 0.2
  done
}

tell() { mark "$1" "$(show ActiveState)/$(show SubState) $(show StatusText)"; }

# Without a profile nothing is started, and nothing has failed.
mark without-profile "$(show ActiveState) $(systemctl is-enabled "$unit") $(show ConditionResult)"
mark failed-units "$(systemctl --failed --plain --no-legend | wc -l)"
mark chip "$(stat -c '%A %G' /dev/gpiochip0)"

# A profile, and no network.
cp /root/profile.json /etc/sandpiper/profile.json
dropin=/etc/systemd/system/$unit.d
sandpiper plan --drop-in /etc/sandpiper/profile.json > "$dropin/profile.conf"
systemctl daemon-reload
mark limits "$(show MemoryMax) $(show TasksMax)"
systemctl start "$unit"
mark started "$?"
until_shown StatusText 'no connection'
tell without-network
mark user "$(ps -o user= -p "$(show MainPID)" 2> /dev/null || stat -c %U "/proc/$(show MainPID)")"

systemctl start guest-network.service
until_shown StatusText '^online'
tell with-network
group=$(grep '^sandpiper:' /etc/group | cut -d: -f3)
ask() { setpriv --reuid=4343 --regid=4343 "$1" sandpiper status 2>&1; }
mark status-for-member "$(ask "--groups=$group" | grep '^link') ($(stat -c '%a %U' /run/sandpiper))"
mark status-for-others "$(ask --clear-groups)"
mark level-at-start "$(line 23)"
mark ready-for command
until_level 1
mark level-on-command "$(line 23)"

# From here on the output stays on, whatever happens to the agent.
while [ ! -e /run/looked ]; do
  [ "$(line 23)" = 1 ] || date +%T >> /run/blinked
  sleep 0.05
done &
looking=$!

# Killed, it comes back.
before=$(show MainPID)
kill -9 "$before"
until_shown NRestarts '^1$'
until_shown StatusText '^online'
tell after-kill

# Stopped in its tracks, it is found out by the watchdog.
kill -STOP "$(show MainPID)"
began=$(cut -d. -f1 /proc/uptime)
until_shown NRestarts '^2$' 120
mark bitten-after "$(($(cut -d. -f1 /proc/uptime) - began))"
until_shown StatusText '^online'
tell after-watchdog

# With another good profile it begins anew, as the same process, and is left alone.
before=$(show MainPID)
sed -i 's/"60s"/"61s"/' /etc/sandpiper/profile.json
systemctl reload "$unit"
sleep 5
until_shown StatusText '^online'
sleep 15
mark after-reload "$(show ActiveState)/$(show SubState) $([ "$(show MainPID)" = "$before" ] && echo same)"

# Restarted as an upgrade does it, another process takes over.
before=$(show MainPID)
systemctl restart "$unit"
until_shown StatusText '^online'
mark after-restart "$(show ActiveState)/$(show SubState) $([ "$(show MainPID)" = "$before" ] || echo other)"
touch /run/looked
wait "$looking"
touch /run/blinked
mark blinked "$(wc -l < /run/blinked)"

# What was switched on for a time goes off when that is over, although another process has to see to it.
mark ready-for timed
tries=0
until [ "$(journalctl -q -u "$unit" -o cat | grep -c 'command for pump')" -ge 2 ] || [ "$tries" -gt 100 ]; do
  tries=$((tries + 1))
  sleep 0.2
done
before=$(show MainPID)
kill -9 "$before"
until_shown MainPID "^[1-9]" && until_shown StatusText '^online'
mark timed "$([ "$(show MainPID)" = "$before" ] || echo other) $(line 23)"
until_level 0
mark timed-in-the-end "$(line 23)"

# As long as another program has a line of the profile, each start fails. What is due is done all the same.
cp /etc/sandpiper/profile.json /root/good.json
sandpiper run /root/other.json --log error > /root/other.log 2>&1 &
other=$!
mark ready-for brief
until_level 1
cp /root/crowded.json /etc/sandpiper/profile.json
systemctl restart "$unit"
until_shown NRestarts '^[1-9]'
until_level 0
until_shown SubState '^auto-restart$'
mark overdue "$(line 23) $(show ActiveState)/$(show SubState)"
kill "$other"
wait "$other"
cp /root/good.json /etc/sandpiper/profile.json
until_shown StatusText '^online'
tell after-crowd

# A bad profile is not tried again and again; nor does it end an agent that runs.
mark ready-for command
until_level 1
mark level-before-failure "$(line 23)"
echo '{"device": {}}' > /etc/sandpiper/profile.json
systemctl reload "$unit"
mark reloaded "$?"
tries=0
until journalctl -q -u "$unit" -o cat | grep -q 'nothing changes' || [ "$tries" -gt 100 ]; do
  tries=$((tries + 1))
  sleep 0.2
done
mark log-of-bad-reload "$(journalctl -q -u "$unit" -o cat | grep 'nothing changes')"
tell after-bad-reload
systemctl restart "$unit"
sleep 12
mark bad-profile "$(show ActiveState) $(show ExecMainStatus) $(show NRestarts)"
mark level-in-failure "$(line 23)"
cp /root/good.json /etc/sandpiper/profile.json
systemctl restart "$unit"
until_shown StatusText '^online'
tell after-good-profile
mark level-after-failure "$(line 23)"

# What the log says to machines.
mark fields "$(journalctl -q -u "$unit" SANDPIPER_EVENT=online -o cat | wc -l) $(
  journalctl -q -u "$unit" SANDPIPER_EVENT=command SANDPIPER_POINT=pump PRIORITY=6 -o cat | wc -l) $(
  journalctl -q -u "$unit" SANDPIPER_EVENT=attempt-failed -o json -n 1 |
    grep -oE '"SANDPIPER_REASON":"[a-z-]+"')"

# A password that systemd hands over: one that is wrong, one from a file, one that only this machine can decrypt.
with_password() {
  printf '[Service]\n%s\n' "$1" > "$dropin/password.conf"
  systemctl daemon-reload
  systemctl restart "$unit"
  until_shown StatusText "$2"
}
credential=/run/credentials/$unit/password
sed -i 's|"url":|"user": "pump", "passwordFile": "'"$credential"'", "url":|' /etc/sandpiper/profile.json
printf 'wrong\n' > /root/wrong
printf 'a secret of the board\n' > /root/password
chmod 600 /root/wrong /root/password
with_password 'LoadCredential=password:/root/wrong' 'refused'
tell with-wrong-password
with_password 'LoadCredential=password:/root/password' '^online'
tell with-password
encrypted=$(systemd-creds encrypt --with-key=host --name=password --pretty /root/password - 2> /root/creds.log)
mark encrypted "$(printf '%s' "$encrypted" | grep -c '^SetCredentialEncrypted=password:') $(tail -n 1 /root/creds.log)"
with_password "$encrypted" '^online'
tell with-encrypted-password
systemd-creds encrypt --with-key=host --name=password /root/password /root/password.cred 2>> /root/creds.log
with_password 'LoadCredentialEncrypted=password:/root/password.cred' '^online'
tell with-encrypted-file
mark secret-elsewhere "$(grep -l 'a secret of the board' /proc/"$(show MainPID)"/environ "$dropin/password.conf" 2> /dev/null | wc -l)"

group=/sys/fs/cgroup$(show ControlGroup)
mark memory-peak "$(cat "$group/memory.peak") $(grep -oE '^(oom|max) [0-9]+' "$group/memory.events" | paste -sd ' ')"
mark tasks-peak "$(cat "$group/pids.peak" 2> /dev/null || cat "$group/pids.current")"
mark journal "$(stat -c '%a %U' /var/lib/sandpiper)"
journalctl -q -u "$unit" --no-pager -o cat 2> /dev/null | sed 's/^/log /' | tail -n 60
mark over "$(systemctl --failed --plain --no-legend | wc -l)"
