import Core

/// A reading as it waits in the outbox: what is needed to say it at any later time, in 24 bytes.
/// The time of day is worked out on sending, from the monotonic clock, so that a clock that was set
/// in the meantime back-dates what was read before.
///
///     kind 1 | point 2 | quality 1 | sequence 4 | instant 8 | value 8     little endian
public struct ReadingRecord: BitwiseCopyable, Sendable {
  /// State or event.
  public var kind: RecordKind
  /// The point's index in the profile.
  public var point: Int
  /// Good, or why not.
  public var quality: Quality
  /// The point's sequence number: states and events count apart, each from 1 at the agent's start.
  public var sequence: UInt32
  /// When it was read.
  public var instant: Instant
  /// The published value; 0 or 1 for a line.
  public var value: Double

  /// Bytes of every reading.
  public static var size: Int { 24 }

  /// Appends the record; `out` has room for `size` bytes.
  public func encode(into out: inout OutputSpan<UInt8>) {
    out.append(kind.rawValue)
    out.append(littleEndian: UInt64(wide: point), bytes: 2)
    out.append(quality.rawValue)
    out.append(littleEndian: UInt64(wide: sequence), bytes: 4)
    out.append(littleEndian: UInt64(bitPattern: instant.nanoseconds), bytes: 8)
    out.append(littleEndian: value.bitPattern, bytes: 8)
  }

  /// The reading in `bytes`, or nil when they hold something else.
  public init?(_ bytes: Span<UInt8>) {
    guard bytes.count == Self.size, let kind = RecordKind(rawValue: bytes[0]),
      kind != .result, let quality = Quality(rawValue: bytes[3])
    else { return nil }
    self.init(
      kind: kind, point: Int(truncatingIfNeeded: bytes.littleEndian(at: 1, bytes: 2)),
      quality: quality,
      sequence: UInt32(truncatingIfNeeded: bytes.littleEndian(at: 4, bytes: 4)),
      instant: Instant(nanoseconds: Int64(bitPattern: bytes.littleEndian(at: 8, bytes: 8))),
      value: Double(bitPattern: bytes.littleEndian(at: 16, bytes: 8)))
  }

  /// A reading.
  public init(
    kind: RecordKind, point: Int, quality: Quality, sequence: UInt32, instant: Instant,
    value: Double
  ) {
    self.kind = kind
    self.point = point
    self.quality = quality
    self.sequence = sequence
    self.instant = instant
    self.value = value
  }
}

/// What a record in the outbox is.
public enum RecordKind: UInt8, BitwiseCopyable, Sendable {
  /// A point's latest value: the state topic, or history when it is late.
  case state = 1
  /// Something that happened: the event topic, or history when it is late.
  case event = 2
  /// The answer to a command: the result topic, late or not.
  case result = 3
}

/// Whether a value can be believed: the `q` of a reading, and `why` where it is bad.
public enum Quality: UInt8, BitwiseCopyable, Sendable {
  /// Read as it should be.
  case good
  /// See `PointFault`.
  case missing, timedOut, unreadable, outOfRange

  /// The quality of a point with `fault`.
  public init(_ fault: PointFault) {
    switch fault {
    case .missing: self = .missing
    case .timedOut: self = .timedOut
    case .unreadable: self = .unreadable
    case .outOfRange: self = .outOfRange
    }
  }

  /// Why a value is bad, as published.
  public var reason: StaticString {
    switch self {
    case .good: "good"
    case .missing: "missing"
    case .timedOut: "timed-out"
    case .unreadable: "unreadable"
    case .outOfRange: "out-of-range"
    }
  }
}
