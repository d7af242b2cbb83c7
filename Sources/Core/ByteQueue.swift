/// Bytes in, bytes out, first in first out, always in one piece: what a socket has brought and no
/// one has read yet, or what waits to be sent.
///
///     |  consumed  |  waiting (count)  |  free  |
///     0          start                end    capacity
///
/// Invariant: 0 <= start <= end <= capacity. The waiting bytes move to the front only when the room
/// behind them does not suffice for what is to be appended.
public struct ByteQueue: ~Copyable {
  @usableFromInline var bytes: Table<UInt8>
  @usableFromInline var start = 0
  @usableFromInline var end = 0

  /// A queue without room.
  public init() { bytes = Table() }

  /// A queue of `capacity` bytes, taken from `arena`.
  public init(_ name: StaticString, capacity: Int, arena: inout Arena) {
    bytes = arena.table(name, count: capacity, filledWith: 0)
  }

  /// Bytes that wait.
  @inlinable public var count: Int { end &- start }

  /// How many bytes the queue can hold.
  @inlinable public var capacity: Int { bytes.count }

  /// How many bytes fit behind those that wait.
  @inlinable public var freeCapacity: Int { capacity &- count }

  /// Appends what `body` writes; it sees room for `bytes` at least, or all of `freeCapacity` where
  /// that is less. Nothing when it throws.
  @inlinable @inline(__always)
  public mutating func append<E: Error>(
    upTo bytes: Int = .max, _ body: (inout OutputSpan<UInt8>) throws(E) -> Void
  ) throws(E) {
    if capacity - end < min(bytes, freeCapacity) { compact() }
    end += try self.bytes.fill(from: end, body)
  }

  /// Appends exactly `count` bytes, at least one, which `body` writes. False, and nothing is
  /// appended, where there is no room for them and `reserve` bytes more.
  @inline(__always)
  public mutating func append(
    exactly count: Int, keeping reserve: Int, _ body: (inout ByteWriter) -> Void
  ) -> Bool {
    precondition(count > 0 && reserve >= 0)
    if capacity &- end &- reserve < count {
      guard makeRoom(count, reserve) else { return false }
    }
    let start = end
    end = end &+ count
    // Sound: the room from `start` on was looked at, or made. Looking once is what this is for.
    unsafe bytes.write(from: start, exactly: count, body)
    return true
  }

  @inline(never)
  private mutating func makeRoom(_ count: Int, _ reserve: Int) -> Bool {
    guard count <= freeCapacity &- reserve else { return false }
    compact()
    return true
  }

  /// The first four bytes that wait, the first of them the most significant; nil where fewer wait.
  /// Whoever knows by them what waits need not be lent it.
  @inlinable @inline(__always)
  public var firstFour: UInt32? {
    guard count >= 4 else { return nil }
    return bytes.bigEndian(at: start)
  }

  /// Lends the bytes that wait.
  @inlinable public func withBytes<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R
  {
    try bytes.withSpan(from: start, count: count, body)
  }

  /// Drops the first `count` bytes.
  @inlinable @inline(__always)
  public mutating func consume(_ count: Int) {
    precondition(count >= 0 && count <= self.count)
    start = start &+ count
    if start == end { removeAll() }
  }

  /// Drops everything.
  @inlinable public mutating func removeAll() {
    start = 0
    end = 0
  }

  @usableFromInline
  mutating func compact() {
    bytes.move(from: start, to: 0, count: count)
    end -= start
    start = 0
  }
}
