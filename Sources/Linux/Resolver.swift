import CLinux
import Core

/// The answer to a name request.
public struct Resolution: Sendable {
  private var answer: clinux_resolution

  init(_ answer: clinux_resolution) { self.answer = answer }

  /// An address that was known before.
  init(_ address: SocketAddress) {
    answer = clinux_resolution()
    answer.count = 1
    answer.addresses.0 = address.system
  }

  /// Which request this answers: what `request` returned.
  public var generation: UInt32 { answer.generation }

  /// How many addresses there are, up to 8; none when the name could not be resolved.
  public var count: Int { Int(answer.count) }

  /// The resolver library's error code; 0 when there are addresses.
  public var errorCode: Int32 { answer.error }

  /// True when there is no such name, or no address for it; false when there are addresses, or nobody
  /// could be asked.
  public var isFinal: Bool { count == 0 && clinux_resolve_error_is_final(answer.error) }

  /// Address `index`, in the order in which they are to be tried (RFC 6724).
  public subscript(index: Int) -> SocketAddress {
    precondition(index >= 0 && index < count)
    var copy = answer
    // Sound: the index was checked, and the pointer does not outlive the copy.
    return unsafe withUnsafePointer(to: &copy) {
      unsafe SocketAddress(clinux_resolution_address($0, UInt32(index)).pointee)
    }
  }

  /// Lends the reason for a failure, such as "Name or service not known".
  public func withMessage<R>(_ body: (Span<UInt8>) -> R) -> R {
    var copy = answer
    // Sound: the message ends with a NUL and lives as long as the copy.
    return unsafe withUnsafePointer(to: &copy) { answer in
      unsafe withBytes(ofCString: clinux_resolution_message(answer), body)
    }
  }
}

/// Name resolution that never blocks the loop: one thread, started with the first name to look up,
/// one request and one answer. Numeric addresses are answered without the thread.
///
/// Each lookup reads resolv.conf anew, so a network that comes up after the program is no trouble.
@safe public struct Resolver: ~Copyable {
  private let system: OpaquePointer

  /// A resolver that was asked nothing yet.
  public init() throws(SystemError) {
    guard let system = unsafe clinux_resolver_create() else { throw .last("resolver") }
    unsafe self.system = system
  }

  // The thread may be in the middle of a lookup; it gives the memory back when that returns.
  deinit { unsafe clinux_resolver_destroy(system) }

  /// Readable while an answer waits, for the loop.
  public var descriptor: Int32 { unsafe clinux_resolver_descriptor(system) }

  /// Asks for the addresses of `host`; the answer to an earlier request will not come any more.
  /// Returns the number that the answer will bear.
  public mutating func request(host: Span<UInt8>, port: UInt16) -> UInt32 {
    // Sound: the name is copied by the call. A name that cannot be one (too long, a NUL inside) is
    // asked for as an empty one, which is answered with an error.
    let generation = unsafe withCString(host) {
      unsafe clinux_resolver_request(system, $0, port)
    }
    if let generation { return generation }
    return unsafe withCString(of: "") { unsafe clinux_resolver_request(system, $0, port) }
  }

  /// The answer to the latest request, once.
  public mutating func takeReply() -> Resolution? {
    var answer = clinux_resolution()
    // Sound: the call fills the structure, or returns false.
    return unsafe clinux_resolver_take(system, &answer) ? Resolution(answer) : nil
  }
}
