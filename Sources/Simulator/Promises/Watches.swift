import Core
import Profile

/// What is watched at every turn of a world.
struct Watches {
  var attempts: AttemptWatch
  var outputs: OutputWatch
  /// Nil where there is one broker only.
  var failover: FailoverWatch?
  private var silence: SilenceWatch
  private var flash: FlashWatch

  init(_ configuration: Configuration) {
    attempts = AttemptWatch(configuration.uplink)
    outputs = OutputWatch(configuration)
    failover = FailoverWatch(configuration.uplink)
    silence = SilenceWatch(configuration.uplink)
    flash = FlashWatch(configuration.uplink)
  }

  mutating func runBegan(at now: Instant) {
    attempts.runBegan()
    failover?.runBegan()
    outputs.runBegan(at: now)
    flash.runBegan()
  }

  /// What of the promises is broken now, one at a time. A connection that the device is leaving in order is not
  /// lost before it is closed.
  mutating func check(
    isRunning: Bool, believes: Bool, isLeaving: Bool, isWhole: Bool, connections: UInt32,
    blocksWritten: Int, at now: Instant
  ) -> String? {
    attempts.check(isOnline: believes, at: now)
      ?? outputs.check(
        isRunning: isRunning, isOnline: believes || isLeaving, connections: connections, at: now)
      ?? silence.check(believes: believes, isWhole: isWhole, at: now)
      ?? flash.check(blocksWritten, at: now)
  }
}
