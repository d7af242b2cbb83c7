import CLinux
import Core

/// The entries of a directory, in no order. The system allocates memory for it, so it is for
/// commands, not for the running agent.
@safe public struct Directory: ~Copyable {
  private let system: UnsafeMutableRawPointer

  /// Opens the directory at `path`.
  public init(_ path: Span<UInt8>) throws(SystemError) {
    // Sound: the C string lives through the call.
    let opened = unsafe withCString(path) { unsafe clinux_directory_open($0) }
    guard let system = unsafe opened ?? nil else { throw .last("opendir") }
    unsafe self.system = system
  }

  deinit { unsafe clinux_directory_close(system) }

  /// Lends the name of the next entry, "." and ".." left out; nil behind the last.
  public mutating func next<R>(_ body: (Span<UInt8>) -> R) -> R? {
    // Sound: the name lives until the next call.
    guard let name = unsafe clinux_directory_next(system) else { return nil }
    return unsafe withBytes(ofCString: name) { body($0) }
  }
}
