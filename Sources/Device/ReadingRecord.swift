import Core

/// A reading as it waits in the outbox: what is needed to say it at any later time, in 24 bytes.
/// The time of day is worked out on sending, from the monotonic clock, so that a clock that was set
/// in the meantime back-dates what was read before. One that stands for several has 28 bytes more.
///
///     kind 1 | point 2 | quality 1 | sequence 4 | instant 8 | value 8                   little endian
///     ... | readings 4 | first instant 8 | minimum 8 | maximum 8
public struct ReadingRecord: BitwiseCopyable, Sendable {
  /// State or event.
  public var kind: RecordKind
  /// The point's index in the profile.
  public var point: Int
  /// Good, or why not.
  public var quality: Quality
  /// The point's sequence number: states and events count apart, each from 1 at the agent's start. Of
  /// several readings that of the last.
  public var sequence: UInt32
  /// When it was read; of several the last.
  public var instant: Instant
  /// The published value; 0 or 1 for a line. The mean of several.
  public var value: Double
  /// How many readings it stands for.
  public var count: UInt32 = 1
  /// When the first of them was read.
  public var since: Instant
  /// The least of their values.
  public var minimum: Double
  /// The greatest of their values.
  public var maximum: Double

  /// Bytes of a single reading.
  public static var size: Int { 24 }
  /// Bytes of one that stands for several.
  public static var mergedSize: Int { 52 }

  /// Bytes of the record at the beginning of `bytes`, as its first byte tells; 0 when it is no reading.
  static func size(in bytes: Span<UInt8>) -> Int {
    guard !bytes.isEmpty else { return 0 }
    return switch RecordKind(rawValue: bytes[0]) {
    case .state, .event: size
    case .merged: mergedSize
    case .result, .outage, nil: 0
    }
  }

  /// Appends the record: `size` bytes, or `mergedSize` for several.
  public func encode(into out: inout OutputSpan<UInt8>) {
    out.append(count > 1 ? RecordKind.merged.rawValue : kind.rawValue)
    out.append(littleEndian: UInt64(wide: point), bytes: 2)
    out.append(quality.rawValue)
    out.append(littleEndian: UInt64(wide: sequence), bytes: 4)
    out.append(littleEndian: UInt64(bitPattern: instant.nanoseconds), bytes: 8)
    out.append(littleEndian: value.bitPattern, bytes: 8)
    guard count > 1 else { return }
    out.append(littleEndian: UInt64(wide: count), bytes: 4)
    out.append(littleEndian: UInt64(bitPattern: since.nanoseconds), bytes: 8)
    out.append(littleEndian: minimum.bitPattern, bytes: 8)
    out.append(littleEndian: maximum.bitPattern, bytes: 8)
  }

  /// The reading in `bytes`, or nil when they hold something else.
  public init?(_ bytes: Span<UInt8>) {
    guard !bytes.isEmpty, bytes.count == Self.size(in: bytes),
      let kind = RecordKind(rawValue: bytes[0]), let quality = Quality(rawValue: bytes[3])
    else { return nil }
    self.init(
      kind: kind == .merged ? .state : kind,
      point: Int(truncatingIfNeeded: bytes.littleEndian(at: 1, bytes: 2)), quality: quality,
      sequence: UInt32(truncatingIfNeeded: bytes.littleEndian(at: 4, bytes: 4)),
      instant: Instant(nanoseconds: Int64(bitPattern: bytes.littleEndian(at: 8, bytes: 8))),
      value: Double(bitPattern: bytes.littleEndian(at: 16, bytes: 8)))
    guard kind == .merged else { return }
    count = UInt32(truncatingIfNeeded: bytes.littleEndian(at: 24, bytes: 4))
    since = Instant(nanoseconds: Int64(bitPattern: bytes.littleEndian(at: 28, bytes: 8)))
    minimum = Double(bitPattern: bytes.littleEndian(at: 36, bytes: 8))
    maximum = Double(bitPattern: bytes.littleEndian(at: 44, bytes: 8))
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
    since = instant
    minimum = value
    maximum = value
  }

  /// One record for this and a later one of the same point: the mean counts each reading once. Nil when
  /// they are not of one kind: good ones are not merged with bad ones.
  public func merged(with later: ReadingRecord) -> ReadingRecord? {
    guard kind == .state, later.kind == .state, quality == later.quality, count < 0x4000_0000,
      later.count < 0x4000_0000
    else { return nil }
    var both = later
    both.count = count + later.count
    both.since = since
    both.minimum = min(minimum, later.minimum)
    both.maximum = max(maximum, later.maximum)
    // (From `Int`: on a 32-bit CPU other conversions to a Double need the heap.)
    let share =
      Double(Int(truncatingIfNeeded: later.count)) / Double(Int(truncatingIfNeeded: both.count))
    // Rounding must not take the mean beyond what was read.
    both.value = max(both.minimum, min(both.maximum, value + (later.value - value) * share))
    return both
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
  /// Several of a point's values, merged: history.
  case merged = 4
  /// What the agent says of a loss of its link: the outage topic, late or not.
  case outage = 5
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
