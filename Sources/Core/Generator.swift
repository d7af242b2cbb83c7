/// The seeded source of chance (SplitMix64, Steele et al., OOPSLA 2014): small, and the same
/// numbers from the same seed on every CPU. Not for secrets.
public struct Generator: BitwiseCopyable, Sendable {
  private var state: UInt64

  /// The sequence that belongs to `seed`.
  public init(seed: UInt64) { state = seed }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z &>> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z &>> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z &>> 31)
  }

  /// A number from 0 up to, but without, `bound`, which is at least 1.
  public mutating func next(below bound: UInt64) -> UInt64 {
    precondition(bound > 0)
    // Lemire's multiplication; the bias is below bound / 2^64.
    return next().multipliedFullWidth(by: bound).high
  }

  /// A number from 0 up to, but without, 1.
  public mutating func unit() -> Double {
    Double(Int64(bitPattern: next() &>> 11)) * 0x1p-53
  }

  /// A length from zero up to, but without, `bound`; zero when `bound` is.
  public mutating func interval(below bound: Interval) -> Interval {
    guard bound > .zero else { return .zero }
    return .nanoseconds(Int64(bitPattern: next(below: UInt64(bitPattern: bound.nanoseconds))))
  }
}
