import CGPIO
import CLinux
import Core
import Linux

/// An open GPIO chip. With libgpiod 1.6 its lines are released when it is closed, so it stays open
/// as long as they are used.
@safe struct Chip: BitwiseCopyable {
  let handle: OpaquePointer
  /// The N of /dev/gpiochipN, for messages only: it changes between kernels.
  let number: Int
  let name: KernelName
  let label: KernelName
  let lineCount: Int

  /// Chips have numbers from 0 up to, but without, this one. A hole in the numbers is usual.
  static var numberLimit: Int { 256 }

  /// Opens /dev/gpiochip`number`. `ENOENT` when there is none.
  static func open(_ number: Int) throws(SystemError) -> Chip {
    let path = devicePath(number)
    // Sound: the C string lives through the call.
    let opened = unsafe path.withBytes { path in
      unsafe withCString(path) { unsafe cgpio_chip_open($0) }
    }
    guard let handle = unsafe opened ?? nil else {
      throw SystemError(code: clinux_errno(), doing: "open")
    }
    var info = cgpio_chip_info()
    // Sound: the handle is open, and the call fills the structure.
    let result = unsafe cgpio_chip_describe(handle, &info)
    guard result == 0 else {
      unsafe cgpio_chip_close(handle)
      throw SystemError(code: -result, doing: "describe")
    }
    return unsafe Chip(
      handle: handle, number: number, name: KernelName(field: info.name),
      label: KernelName(field: info.label), lineCount: Int(info.lines))
  }

  /// To be called once, after the chip's requests are released.
  func close() { unsafe cgpio_chip_close(handle) }

  /// What the kernel says of line `offset` now.
  func describe(_ offset: Int) throws(SystemError) -> LineDescription {
    var info = cgpio_line_info()
    // Sound: the handle is open, and the call fills the structure.
    let result = unsafe cgpio_line_describe(handle, UInt32(truncatingIfNeeded: offset), &info)
    guard result == 0 else { throw SystemError(code: -result, doing: "describe") }
    return LineDescription(
      offset: offset, name: KernelName(field: info.name),
      consumer: KernelName(field: info.consumer), isUsed: info.used, isOutput: info.output,
      isActiveLow: info.active_low)
  }

  /// True when the kernel takes calls of its second GPIO interface (Linux 5.10).
  var hasSecondInterface: Bool {
    Self.devicePath(number).withBytes { path in
      // Sound: the C string lives through the call.
      unsafe withCString(path) { unsafe cgpio_kernel_interface($0) == 2 } ?? false
    }
  }

  /// "/dev/gpiochip4".
  static func devicePath(_ number: Int) -> FixedText<32> {
    var path = FixedText<32>()
    path.append("/dev/gpiochip")
    path.append(decimal: number)
    return path
  }
}

/// A GPIO line as the kernel describes it.
public struct LineDescription: BitwiseCopyable, Sendable {
  /// Its number in its chip.
  public var offset: Int
  /// Its name; empty for many lines.
  public var name: KernelName
  /// Who uses it; empty for nobody, or for a kernel driver that does not say.
  public var consumer: KernelName
  /// True when it cannot be requested now.
  public var isUsed: Bool
  /// Its direction.
  public var isOutput: Bool
  /// True when its low level counts as active.
  public var isActiveLow: Bool
}
