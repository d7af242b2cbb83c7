import Core

/// What a board reports. Points are told apart by their index in the profile.
public enum BoardEvent: BitwiseCopyable, Sendable {
  /// A line changed to `level` (logical: active-low is already applied) at the kernel's time `at`.
  case edge(point: Int, level: Bool, at: Instant)
  /// A line's level as read, without an edge: at start, or after edges were lost.
  case level(point: Int, level: Bool, at: Instant)
  /// The kernel dropped `count` edges of a line because its buffer was full.
  case edgesLost(point: Int, count: Int)
  /// A sensor was read. `value` is in the unit of the kernel interface's base (degrees Celsius,
  /// volts, ...), before the profile's scale and offset.
  case sample(point: Int, value: Double, at: Instant)
  /// A sensor or line could not be read.
  case failed(point: Int, fault: PointFault, at: Instant)
}

/// Why a point has no value.
public enum PointFault: UInt8, BitwiseCopyable, Sendable {
  /// The device or line is not there.
  case missing
  /// It is there, but does not answer in time.
  case timedOut
  /// It answers with an error, or with nonsense.
  case unreadable
  /// It answers with a value that cannot be (outside low...high).
  case outOfRange
}
