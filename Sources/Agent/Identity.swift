/// Who this run of the agent is: fixed from start to end, and part of every status.
public struct Identity: BitwiseCopyable, Sendable {
  /// The agent's version.
  public var version: StaticString
  /// The kernel's boot identifier, 36 characters (/proc/sys/kernel/random/boot_id).
  public var bootID: InlineArray<36, UInt8>
  /// The number of this agent's last session, from which this run goes on counting.
  public var lastSession: UInt64
  /// What chance is seeded with: different on each board and at each start.
  public var seed: UInt64

  /// A run of the agent.
  public init(
    version: StaticString, bootID: InlineArray<36, UInt8>, lastSession: UInt64, seed: UInt64
  ) {
    self.version = version
    self.bootID = bootID
    self.lastSession = lastSession
    self.seed = seed
  }
}
