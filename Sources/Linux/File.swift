import CLinux
import Core

/// Small files, read and written whole. Paths are at most 1,023 bytes.
public enum File {
  /// Appends the file's bytes. `EFBIG` when there are more than `out` has room for.
  public static func read(
    _ path: Span<UInt8>, into out: inout OutputSpan<UInt8>
  ) throws(SystemError) {
    // Sound: the C string lives through the call.
    let opened = unsafe withCString(path) { unsafe clinux_open_read($0, false) }
    guard let descriptor = opened else { throw SystemError(code: ENAMETOOLONG, doing: "open") }
    guard descriptor >= 0 else { throw .last("open") }
    defer { close(descriptor) }
    while true {
      // Sound: the call writes at most `capacity` bytes from `start` on.
      let count = unsafe out.appendFromSystem { start, capacity in
        unsafe CLinux.read(descriptor, start, capacity)
      }
      if count == 0 { break }
      guard count > 0 || clinux_errno() == EINTR else { throw .last("read") }
    }
    guard out.freeCapacity == 0 else { return }
    var extra: UInt8 = 0
    // Sound: one byte is read into one.
    let more = unsafe CLinux.read(descriptor, &extra, 1)
    guard more <= 0 else { throw SystemError(code: EFBIG, doing: "read") }
  }

  /// The first line of a small file, without its end: a password, say. `EFBIG` when the whole file is
  /// longer than the text may be.
  public static func firstLine<let capacity: Int>(
    of path: Span<UInt8>
  ) throws(SystemError) -> FixedText<capacity> {
    var error: SystemError?
    var line = FixedText<capacity>()
    line = FixedText { out in
      do throws(SystemError) { try read(path, into: &out) } catch let fault { error = fault }
    }
    if let error { throw error }
    line.cut { byte in byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }
    return line
  }

  /// Appends the bytes of the file at a path known when the program was built.
  public static func read(
    _ path: StaticString, into out: inout OutputSpan<UInt8>
  ) throws(SystemError) {
    try withBytes(of: path) { (path) throws(SystemError) in
      try read(path, into: &out)
    }
  }

  /// True when something is there, and be it a link that leads nowhere.
  public static func isThere(_ path: Span<UInt8>) -> Bool {
    // Sound: the C string lives through the call.
    let found = unsafe withCString(path) { unsafe clinux_is_there($0) }
    return found ?? false
  }

  /// Replaces the file in one step: whoever reads it, and whatever is left after a power cut, is
  /// the old file or the new one, never half of either. Slow (it waits for the flash).
  public static func write(
    atomically bytes: Span<UInt8>, to path: Span<UInt8>, mode: UInt32 = 0o644
  ) throws(SystemError) {
    let written = unsafe withCString(path) { path in
      unsafe bytes.withUnsafeBufferPointer {
        // Sound: path and bytes live through the call, which only reads them.
        unsafe clinux_write_file(path, $0.baseAddress, $0.count, mode)
      }
    }
    guard let written else { throw SystemError(code: ENAMETOOLONG, doing: "open") }
    guard written == 0 else { throw .last("write") }
  }

  /// Gives the file another name, durably; a file that has it is no more.
  public static func move(_ path: Span<UInt8>, to name: Span<UInt8>) throws(SystemError) {
    let moved = unsafe withCString(path) { path in
      // Sound: both C strings live through the call, which only reads them.
      unsafe withCString(name) { name in unsafe clinux_move_file(path, name) }
    }
    guard let moved, let moved else { throw SystemError(code: ENAMETOOLONG, doing: "rename") }
    guard moved == 0 else { throw .last("rename") }
  }

  /// Removes the file, durably; one that is not there is removed already.
  public static func remove(_ path: Span<UInt8>) throws(SystemError) {
    // Sound: the C string lives through the call, which only reads it.
    let removed = unsafe withCString(path) { unsafe clinux_remove_file($0) }
    guard let removed else { throw SystemError(code: ENAMETOOLONG, doing: "unlink") }
    guard removed == 0 || clinux_errno() == ENOENT else { throw .last("unlink") }
  }

  /// Appends the kernel's identifier of this boot: 36 characters, new with each boot; nothing when
  /// there is none (no /proc).
  public static func bootID(into out: inout OutputSpan<UInt8>) {
    var text = InlineArray<64, UInt8>(repeating: 0)
    var slots = text.mutableSpan
    let count = unsafe slots.withUnsafeMutableBufferPointer { buffer in
      // Sound: the span covers the array, and does not leave this closure.
      var bytes = unsafe OutputSpan(buffer: buffer, initializedCount: 0)
      try? read("/proc/sys/kernel/random/boot_id", into: &bytes)
      return unsafe bytes.finalize(for: buffer)
    }
    for index in 0..<min(count, 36) where out.freeCapacity > 0 { out.append(text[index]) }
  }
}

/// Memory from the system, in whole pages.
public enum Memory {
  /// At least `bytes` of zeroed, page-aligned memory; nil when the system has none. A page counts as
  /// used once it has been touched.
  @unsafe public static func map(_ bytes: Int) -> UnsafeMutableRawBufferPointer? {
    guard bytes > 0, let start = unsafe clinux_map(bytes) else { return nil }
    return unsafe UnsafeMutableRawBufferPointer(start: start, count: bytes)
  }

  /// Memory of the program that is in use now, in KiB; nil when the system does not say.
  public static var residentKiB: Int? {
    let pages = clinux_resident_pages()
    return pages < 0 ? nil : Int(pages) * Int(clinux_page_bytes()) / 1_024
  }

  /// Gives back what `map` has given; nobody may hold a pointer into it any more.
  @unsafe public static func unmap(_ block: UnsafeMutableRawBufferPointer) {
    unsafe clinux_unmap(block.baseAddress, block.count)
  }
}
