import Core

/// Messages at QoS 0 that lie in the send buffer: each has left when the transport has taken so many
/// bytes in all.
struct UnsentMarks: ~Copyable {
  struct Mark: BitwiseCopyable {
    var tag: UInt64 = 0
    /// Bytes, over all connections, behind which the message ends.
    var end: UInt64 = 0
  }

  private var marks: Table<Mark>
  private var head = 0
  private var count = 0

  init(count: Int, arena: inout Arena) {
    marks = arena.table("MQTT messages not sent", count: count, filledWith: Mark())
  }

  var isFull: Bool { count == marks.count }

  var isEmpty: Bool { count == 0 }

  mutating func append(_ mark: Mark) {
    precondition(!isFull)
    marks[(head + count) % marks.count] = mark
    count += 1
  }

  /// The oldest, if it has left when `bytesSent` bytes have.
  mutating func takeSent(_ bytesSent: UInt64) -> UInt64? {
    guard count > 0, marks[head].end <= bytesSent else { return nil }
    return takeOldest()
  }

  /// The oldest, whether it has left or not.
  mutating func takeOldest() -> UInt64? {
    guard count > 0 else { return nil }
    let tag = marks[head].tag
    head = (head + 1) % marks.count
    count -= 1
    return tag
  }
}
