# shellcheck shell=sh disable=SC2154
# The service in each init system. To be sourced by deploy/install, for $root, $init, $script and $units.

find_init() {
  if [ -z "$root" ] && [ -d /run/systemd/system ]; then echo systemd
  elif [ -z "$root" ] && [ -d /run/openrc ]; then echo openrc
  elif exists /usr/lib/systemd/systemd || exists /lib/systemd/systemd; then echo systemd
  elif exists /sbin/openrc-run || exists /usr/sbin/openrc-run; then echo openrc
  elif [ -d "$root/etc/init.d" ]; then echo sysv
  else echo none
  fi
}

# The init scripts that a SysV system runs when it comes up and goes down.
link_levels() {
  for level in 0 1 2 3 4 5 6; do
    case $level in 0 | 1 | 6) name=K01sandpiper ;; *) name=S60sandpiper ;; esac
    for levels in "/etc/rc$level.d" "/etc/rc.d/rc$level.d"; do
      if [ -d "$root$levels" ] && [ ! -h "$root$levels" ]; then
        do_it "$1" "$root$levels/$name"
      fi
    done
  done
}
link_script() { ln -sf "$script" "$1"; }
unlink_script() { rm -f "$1"; }

# service VERB: is it running, or restart, enable, disable, stop it; "noted" has the init system look at its files
# anew, and "reenable" leads what is enabled to the Debian package's unit. In an image, by links.
service() {
  case $init-${root:+image}-$1 in
  systemd--runs) [ -d /run/systemd/system ] && systemctl --quiet is-active sandpiper ;;
  systemd--restart | systemd--stop) do_it systemctl "$1" sandpiper ;;
  systemd--noted) [ ! -d /run/systemd/system ] || do_it systemctl daemon-reload ;;
  systemd--enable)
    # The Debian package leaves it masked when it is removed; who has masked it otherwise is heeded.
    ! has deb-systemd-helper ||
      do_it env DPKG_MAINTSCRIPT_PACKAGE=sandpiper deb-systemd-helper unmask sandpiper.service
    do_it systemctl --quiet enable sandpiper ;;
  systemd--reenable)
    ! systemctl --quiet is-enabled sandpiper 2> /dev/null || do_it systemctl --quiet reenable sandpiper ;;
  systemd--disable) do_it systemctl --quiet disable sandpiper ;;
  systemd-image-enable)
    do_it mkdir -p "$root/etc/systemd/system/multi-user.target.wants" &&
      do_it ln -sf "$units/sandpiper.service" "$root/etc/systemd/system/multi-user.target.wants/" ;;
  systemd-image-reenable)
    link=$root/etc/systemd/system/multi-user.target.wants/sandpiper.service
    [ ! -h "$link" ] || do_it ln -sf /usr/lib/systemd/system/sandpiper.service "$link" ;;
  systemd-image-disable) do_it rm -f "$root/etc/systemd/system/multi-user.target.wants/sandpiper.service" ;;
  openrc--runs) [ -x "$script" ] && rc-service --quiet sandpiper status > /dev/null 2>&1 ;;
  openrc--restart | openrc--stop) do_it rc-service sandpiper "$1" ;;
  # What it knows of scripts it compares by the second only.
  openrc--noted) do_it rc-update --quiet --update ;;
  openrc--enable) do_it rc-update --quiet add sandpiper default ;;
  openrc--disable) do_it rc-update --quiet delete sandpiper default ;;
  openrc-image-enable)
    do_it mkdir -p "$root/etc/runlevels/default" &&
      do_it ln -sf /etc/init.d/sandpiper "$root/etc/runlevels/default/sandpiper" ;;
  openrc-image-disable) do_it rm -f "$root/etc/runlevels/default/sandpiper" ;;
  sysv--runs) [ -x "$script" ] && "$script" status > /dev/null 2>&1 ;;
  sysv--restart | sysv--stop) do_it "$script" "$1" ;;
  sysv-*-enable)
    if [ "$script" = /etc/init.d/S60sandpiper ]; then :
    elif [ -z "$root" ] && has update-rc.d; then do_it update-rc.d sandpiper defaults
    elif [ -z "$root" ] && has chkconfig; then do_it chkconfig --add sandpiper
    else link_levels link_script
    fi ;;
  sysv-*-disable)
    if [ -z "$root" ] && has update-rc.d; then do_it update-rc.d -f sandpiper remove
    elif [ -z "$root" ] && has chkconfig; then do_it chkconfig --del sandpiper
    else link_levels unlink_script
    fi ;;
  *-noted) ;;
  *) return 1 ;;
  esac
}
