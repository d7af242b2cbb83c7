/// What `--help` says.
enum Help {
  static let text = """
    usage: sandpiper COMMAND [OPTION]... [ARGUMENT]...

    An agent for embedded Linux boards: reads GPIO lines and sensors, drives outputs on
    command, and publishes to an MQTT broker, as a device profile (JSON) describes it.

      run PROFILE        run the agent
        --simulate         on a simulated board instead of this one
        --broker URL       take this broker instead of the profile's: mqtt://[user@]host[:port],
                           mqtts://..., ws://[user@]host[:port][/path], wss://..., unix:///path
        --control PATH     with --simulate: socket through which `set` changes points by hand
        --state DIR        where session numbers, and what remote care keeps, are
                           [$STATE_DIRECTORY; else nowhere]
        --seed N           with --simulate: the seed of chance [random]
        --scenario FILE    with --simulate: what goes wrong, and when (by sandpiper-lab)
        --status PATH      socket at which `status` asks [$RUNTIME_DIRECTORY/status; else none]
        --log LEVEL        error, warning, notice, info or debug [info]
      init               write a profile for this board: asks at a terminal, else takes what is there
        --id, --base, --broker URL, --user, --password-file
                           what the profile says of device and broker
        --input, --output, --counter NAME=LINE
                           a point on a line, by its name or CHIP:OFFSET
        --sensor NAME=SOURCE
                           this sensor, such as thermal:cpu-thermal, instead of all; --no-sensors
        --no-journal       keep nothing on flash
        --yes, -y          ask nothing
        -o FILE            where to; - is standard output [/etc/sandpiper/profile.json where that may
                           be written, else profile.json]; --force writes over one that is there
      check PROFILE...   say all that is wrong with profiles
      plan PROFILE       print the memory that the agent takes, row by row
        --simulate         as with a simulated board
        --drop-in          instead, what the service is to have for this profile, as a drop-in of the
                           systemd unit: memory, tasks, devices
      doctor [PROFILE]   say what is broken here and how to mend it, and what is fine; changes nothing
        --offline          without the profile's brokers
        --state DIR        where the agent keeps its journal [$STATE_DIRECTORY]
        --broker URL       as with run
        --json             each finding as a line of JSON: level, area, text, fix; exit status 1
                           when something is broken
      status             say how the running agent is: link, queue, losses, points; exit status 3
                         when it has no connection
        --watch            each second anew, until Ctrl-C
        --json             as the agent says it
        --metrics          as OpenMetrics text; exit status 0 without connection or agent, too
        --socket PATH      where the agent is asked [/run/sandpiper/status]
      care PROFILE       say which profile remote care has brought
        --state DIR        where it is [$STATE_DIRECTORY]
        --drop             put it aside: the next start, or SIGHUP, takes the installed one
      lines              list this board's GPIO chips and lines, and its sensors
      journal FILE       say what a journal holds, without touching it
        --json             each record that waits as a line of JSON
        --verify           only whether all of it can be read; exit status 1 if not
      set PATH POINT VALUE
                         change a simulated point: on, off, 1, 0, a number, or auto
      --version          print the version
      --help             print this

    The agent stops in order at SIGTERM and SIGINT, and reads the profile again at SIGHUP; a bad
    new profile changes nothing.

    Exit status: 0 in order, 1 failed while running, 2 wrong command line, 3 no connection (status),
    6 wrong profile.
    """
}
