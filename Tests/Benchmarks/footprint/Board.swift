import CBoard
import Core

/// The board as the three clients use it.
enum Board {
  static var now: Instant { .boot + .milliseconds(board_now()) }

  /// Calls `send` to hand over what waits; it lends the bytes and is told how many were taken.
  static func send(_ bytes: Span<UInt8>) -> Int {
    // Sound: the call only reads the bytes.
    unsafe bytes.withUnsafeBufferPointer { buffer in
      max(0, Int(unsafe board_send(buffer.baseAddress, Int32(truncatingIfNeeded: buffer.count))))
    }
  }

  /// Reads what there is into the free part of `out`; false when the stream is gone.
  static func receive(into out: inout OutputSpan<UInt8>) -> Bool {
    unsafe out.withUnsafeMutableBufferPointer { buffer, initialized in
      // Sound: the call writes into the free part.
      let free = unsafe UnsafeMutableBufferPointer(rebasing: buffer[initialized...])
      let count = unsafe board_receive(free.baseAddress, Int32(truncatingIfNeeded: free.count))
      initialized += max(0, Int(count))
      return count >= 0
    }
  }

  static func sleep(until deadline: Instant) {
    board_sleep((deadline - .boot).milliseconds)
  }

  /// Lends the bytes of a literal.
  static func withBytes<R>(of text: StaticString, _ body: (Span<UInt8>) -> R) -> R {
    // Sound: a StaticString's bytes live as long as the program.
    let bytes = unsafe UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    return unsafe body(bytes.span)
  }

  /// An arena of exactly the size that `make` asks for.
  static func arena(_ make: (inout Arena) -> Void) -> Arena {
    var plan = Arena()
    make(&plan)
    let count = plan.used
    // Sound: the board hands the block out once.
    return unsafe Arena(
      over: UnsafeMutableRawBufferPointer(
        start: board_memory(Int32(truncatingIfNeeded: count)), count: count))
  }
}
