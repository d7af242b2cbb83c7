import Core

/// The shape of a simulated value over time.
public enum Wave: UInt8, BitwiseCopyable, Sendable {
  /// Always the mean, or a sine, triangle or square around it.
  case constant, sine, triangle, square
  /// A walk that wanders from the mean and is drawn back to it.
  case walk
}

/// How a simulated point behaves.
public struct SimulationSpec: BitwiseCopyable, Sendable {
  /// A sensor's wave form.
  public var wave = Wave.constant
  /// Centre of the wave, in the published unit.
  public var mean = 20.0
  /// Half the height of the wave.
  public var amplitude = 0.0
  /// Length of one wave.
  public var period = Interval.seconds(3600)
  /// Standard deviation of the noise on each reading.
  public var noise = 0.0

  /// An input or counter line: how long it is on, and off, on average; zero: never by itself.
  public var on = Interval.zero
  /// See `on`.
  public var off = Interval.zero
  /// 0: `on` and `off` are exact; 1: drawn from an exponential distribution; between: mixed.
  public var randomness = 0.0
  /// How long a contact bounces after each change.
  public var bounce = Interval.zero

  /// A constant value, a line at rest.
  public init() {}
}
