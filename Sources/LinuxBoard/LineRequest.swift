import CGPIO
import CLinux
import Core

/// Lines that were requested together: `lines[first..<first + count]` of the board.
@safe struct LineRequest: BitwiseCopyable {
  /// libgpiod's request: of inputs, and of an output where the kernel has only the first GPIO interface.
  @safe var handle: OpaquePointer?
  /// The line of an output, from the kernel itself; -1 for none.
  var line: Int32 = -1
  var first: Int
  var count: Int

  /// Lines that are not requested yet.
  init(first: Int, count: Int) {
    handle = nil
    self.first = first
    self.count = count
  }

  /// False while the chip is away.
  var isOpen: Bool { unsafe line >= 0 || handle != nil }

  /// The level of a line now, 0 or 1; negative when it cannot be read.
  func level(_ offset: UInt32) -> Int32 {
    if line >= 0 { return cgpio_output_get(line) }
    // Sound: the handle is open.
    return unsafe handle.map { unsafe cgpio_get($0, offset) } ?? -ENODEV
  }

  /// Drives an output, and reads it back: 0 or 1, or negative when that cannot be.
  func drive(_ offset: UInt32, to level: Bool) -> Int32 {
    let result =
      line >= 0
      ? cgpio_output_set(line, level)
      // Sound: the handle is open.
      : unsafe handle.map { unsafe cgpio_set($0, offset, level) } ?? -ENODEV
    return result < 0 ? result : self.level(offset)
  }

  /// Gives the lines back, unless somebody else has them open too. To be called once.
  func release() {
    if let handle { unsafe cgpio_release(handle) }
    if line >= 0 { close(line) }
  }
}
