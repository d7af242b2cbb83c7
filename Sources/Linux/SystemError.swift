import CLinux
import Core

/// A system call that failed: which one, and the kernel's reason.
public struct SystemError: Error, Sendable {
  /// The error number (errno).
  public var code: Int32
  /// What was being done, as the subject of a message: "connect", "bind".
  public var doing: StaticString

  /// The failure of `doing` with error number `code`.
  public init(code: Int32, doing: StaticString) {
    self.code = code
    self.doing = doing
  }

  /// The failure that errno tells of. To be taken right after the call.
  static func last(_ doing: StaticString) -> SystemError {
    SystemError(code: clinux_errno(), doing: doing)
  }

  /// Appends "connect: Connection refused", cut where `out` is full.
  public func describe(into out: inout OutputSpan<UInt8>) {
    withBytes(of: doing) { out.append(cutting: $0) }
    withBytes(of: ": ") { out.append(cutting: $0) }
    Self.withText(of: code) { out.append(cutting: $0) }
  }

  /// Lends the system's text for an error number, such as "Connection refused".
  public static func withText<R>(of code: Int32, _ body: (Span<UInt8>) -> R) -> R {
    // Sound: the text is static and ends with a NUL.
    unsafe withBytes(ofCString: clinux_error_text(code)) { body($0) }
  }

  /// Lends the resolver's text for the code of a failed resolution: "Name or service not known".
  public static func withText<R>(ofResolution code: Int32, _ body: (Span<UInt8>) -> R) -> R {
    // Sound: the text is static and ends with a NUL.
    unsafe withBytes(ofCString: clinux_resolve_error_text(code)) { body($0) }
  }
}
