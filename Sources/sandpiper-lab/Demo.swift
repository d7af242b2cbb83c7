import Broker
import Core
import Linux

/// One device and one broker, from the start of the device program to its end.
struct Demo {
  let server: BrokerServer
  let device: DeviceProcess
  var screen: DemoScreen

  private var view = DeviceView()
  private var stopDeadline = Instant.never
  private var lastLines: [String] = []

  /// How long an orderly stop may take.
  private static let stopMax = Interval.seconds(15)

  init(server: BrokerServer, device: DeviceProcess, screen: DemoScreen) {
    self.server = server
    self.device = device
    self.screen = screen
  }

  /// Runs until the device program has ended; it is stopped in order at a signal, or after
  /// `length`. Its exit status.
  mutating func run(for length: Interval?) throws -> Int32 {
    let end = length.map { Clock.now() + $0 } ?? .never
    try server.watch(device.log)
    while true {
      // The child's end is looked for at each turn, as often as the table changes.
      let turn = server.turn(until: Clock.now() + DemoScreen.refresh)
      let now = Clock.now()
      take(turn, at: now)
      let isAsked = turn.signals.contains { $0 != .hangUp }
      if isAsked || now >= end || Terminal.isAbandoned { stop(at: now) }
      if now >= stopDeadline { device.end() }
      screen.show(view, at: now)
      if let status = device.status() { return finish(status, at: now) }
    }
  }

  private mutating func take(_ turn: BrokerServer.Turn, at now: Instant) {
    for event in turn.events {
      switch event {
      case .published(_, let message, _): screen.add(view.take(message, at: now))
      case .refused, .disconnected(_, .malformed), .dropped, .expired, .notRetained:
        screen.add(event.text)
      case .connected, .disconnected, .sessionEnded, .subscribed: break
      }
    }
    if !turn.readable.isEmpty { takeLog() }
  }

  private mutating func takeLog() {
    let log = device.log
    for line in device.takeLines() {
      lastLines.append(line)
      screen.add("log  " + line)
    }
    if device.log < 0 && log >= 0 { server.unwatch(log) }
  }

  private mutating func stop(at now: Instant) {
    guard stopDeadline == .never else { return }
    stopDeadline = now + Self.stopMax
    device.stop()
  }

  private mutating func finish(_ status: Int32, at now: Instant) -> Int32 {
    // What the device sent last, and logged last.
    take(server.turn(until: now), at: now)
    takeLog()
    screen.end()
    if status == 0 {
      Terminal.print("\(view.messageCount) messages; the device's last word: \(view.status)")
    } else {
      if screen.isLive { for line in lastLines.suffix(20) { Terminal.complain(line) } }
      Terminal.complain("sandpiper-lab: the device program ended with \(status)")
    }
    return status
  }
}
