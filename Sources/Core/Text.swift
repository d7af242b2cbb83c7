/// A place in a longer text: a string of the profile in the text pool, where two equal strings are
/// one place, or a part of a URL.
public struct Text: BitwiseCopyable, Hashable, Sendable {
  /// Where the UTF-8 bytes begin in the pool.
  public var offset: UInt32
  /// How many bytes there are.
  public var count: UInt32

  /// The text at `offset` of `count` bytes.
  @inlinable public init(offset: UInt32, count: UInt32) {
    self.offset = offset
    self.count = count
  }

  /// The text at `range`.
  @inlinable public init(_ range: Range<Int>) {
    self.init(
      offset: UInt32(truncatingIfNeeded: range.lowerBound),
      count: UInt32(truncatingIfNeeded: range.count))
  }

  /// Where its bytes are.
  @inlinable public var range: Range<Int> { Int(offset)..<Int(offset) + Int(count) }

  /// The text without bytes: "not given".
  @inlinable public static var empty: Text { Text(offset: 0, count: 0) }

  /// True when there are no bytes.
  @inlinable public var isEmpty: Bool { count == 0 }
}

/// All strings of the profile, copied once at start.
public struct TextPool: ~Copyable {
  private var bytes: Table<UInt8>

  /// A copy of `source`, which the profile's `Text` values point into.
  public init(copying source: Span<UInt8>, arena: inout Arena) {
    bytes = arena.table("names and topics of the profile", count: source.count, filledWith: 0)
    guard !arena.isMeasuring else { return }
    _ = bytes.fill(from: 0) { out in out.append(contentsOf: source) }
  }

  /// A pool of `count` bytes under a name of its own in the memory plan; `fill` writes them all. Not
  /// called while measuring.
  public init(
    _ name: StaticString, count: Int, arena: inout Arena, _ fill: (inout OutputSpan<UInt8>) -> Void
  ) {
    bytes = arena.table(name, count: count, filledWith: 0)
    guard !arena.isMeasuring else { return }
    _ = bytes.fill(from: 0, fill)
  }

  /// Puts other bytes, of as many as there are or fewer, at the place of `text`; returns what is their
  /// place.
  public mutating func put(_ source: Span<UInt8>, at text: Text) -> Text {
    precondition(source.count <= Int(text.count))
    let count = bytes.fill(from: Int(text.offset), limit: source.count) { out in
      out.append(contentsOf: source)
    }
    return Text(Int(text.offset)..<Int(text.offset) + count)
  }

  /// Lends all bytes.
  public func withAll<R: ~Copyable, E: Error>(
    _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    try bytes.withSpan(body)
  }

  /// Lends the bytes of `text`.
  public func withBytes<R: ~Copyable, E: Error>(
    of text: Text, _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    try bytes.withSpan(from: Int(text.offset), count: Int(text.count), body)
  }
}
