import Core

/// A place in the endless stream of a ring's record bytes, of which the medium holds the newest part.
/// Grows for ever, also over restarts; says which record is meant, and which of two is newer.
public struct RecordPosition: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// Bytes of the stream that lie before it; never negative.
  public let offset: Int64

  /// The place behind `offset` bytes.
  public init(offset: Int64) { self.offset = offset }

  /// Older before newer.
  public static func < (a: RecordPosition, b: RecordPosition) -> Bool { a.offset < b.offset }

  /// The place `count` bytes further.
  static func + (a: RecordPosition, count: Int) -> RecordPosition {
    RecordPosition(offset: a.offset + Int64(wide: count))
  }
}

/// What is known of a record without its body.
public struct RecordHead: BitwiseCopyable, Equatable, Sendable {
  /// Where it is.
  public var position: RecordPosition
  /// Where the one behind it is.
  public var next: RecordPosition
  /// What the owner calls its class, 0 to 15.
  public var recordClass: UInt8
  /// Counts records one by one within a run of the program; jumps at each opening.
  public var sequence: UInt32
  /// When it was made, as the owner counts time.
  public var time: Instant
  /// Bytes of the body.
  public var bodyBytes: Int
}

/// What the owner wants readers of its records to know, and the ring keeps beside them: which run of
/// the program wrote them, for example.
public typealias RecordContext = InlineArray<32, UInt8>
