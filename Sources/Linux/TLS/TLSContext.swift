import CTLS
import Core
import Dialing

/// TLS with one server: what its specification says, and the session that the next connection
/// resumes, which lives in memory alone.
///
/// Made once. It costs a kilobyte; OpenSSL is loaded with the first connection. Both allocate outside
/// Swift, as OpenSSL does while connecting.
@safe public struct TLSContext: ~Copyable {
  private let system: OpaquePointer

  /// A copy of what `spec` says. Throws `outOfMemory` or `settingInvalid`.
  public init(_ spec: TLSSpec, texts: borrowing TextPool) throws(TLSFault) {
    guard let system = unsafe ctls_context_create() else { throw .outOfMemory }
    for number in 0..<UInt8(CTLS_TEXTS.rawValue) {
      guard let setting = TLSSetting(rawValue: number) else { continue }
      // The key's own text: without one the certificate file is looked into.
      let text = setting == .key ? spec.key : spec[setting]
      guard unsafe Self.set(setting, text, texts, in: system) else {
        unsafe ctls_context_release(system)
        throw .settingInvalid(setting)
      }
    }
    var options: UInt32 = 0
    if spec.onlyVersion13 { options |= UInt32(CTLS_VERSION_1_3.rawValue) }
    if spec.revocationOfChain { options |= UInt32(CTLS_REVOCATION_OF_CHAIN.rawValue) }
    if spec.alpnRequired { options |= UInt32(CTLS_ALPN_REQUIRED.rawValue) }
    if spec.insecure { options |= UInt32(CTLS_INSECURE.rawValue) }
    unsafe ctls_context_set_options(system, options)
    unsafe self.system = system
  }

  deinit { unsafe ctls_context_release(system) }

  @unsafe private static func set(
    _ setting: TLSSetting, _ text: Text, _ texts: borrowing TextPool, in system: OpaquePointer
  ) -> Bool {
    texts.withBytes(of: text) { bytes in
      unsafe bytes.withUnsafeBufferPointer {
        // Sound: the call copies the bytes.
        unsafe ctls_context_set(system, setting.system, $0.baseAddress, $0.count)
      }
    }
  }

  /// Begins a connection over `descriptor`, a stream socket that is connected and does not block.
  /// It stays the caller's, and must be closed after the channel. Reads the files; a key in a token
  /// is looked for now, which may take as long as the token does.
  ///
  /// Certificates are verified at `now`, or at `floor` if that is later: the last time that the caller
  /// knows to have been, such as when it last had the time from a time service. A board whose clock
  /// nobody has set yet can so verify certificates that were made since; one that ended before
  /// the floor is refused whatever the clock says. A floor in the future would refuse good ones.
  ///
  /// Throws what is ours to mend; the server's faults show in the handshake.
  public func open(
    over descriptor: Int32, now: WallTime, floor: WallTime
  ) throws(TLSFault) -> TLSChannel {
    var fault = ctls_fault()
    let time = max(now, floor).milliseconds / 1000
    // Sound: the call fills the fault, and the channel keeps what it needs of the context alive.
    guard let channel = unsafe ctls_channel_open(system, descriptor, time, &fault) else {
      throw TLSFault(fault)
    }
    return unsafe TLSChannel(system: channel)
  }

  /// True when the next connection will offer to resume a session: after one that stood, unless it
  /// ended with a fault.
  public var hasSession: Bool { unsafe ctls_context_has_session(system) }

  /// Has the next connection begin afresh.
  public func forgetSession() { unsafe ctls_context_forget_session(system) }
}

/// The library behind TLS.
public enum TLSLibrary {
  /// Loads OpenSSL, if it is there, and is not loaded yet. The first connection does so too.
  public static func load() -> Bool { ctls_library_load() }

  /// Appends its version, "OpenSSL 3.0.19 27 Jan 2026"; nothing before it is loaded. Cut where `out`
  /// is full.
  public static func version(into out: inout OutputSpan<UInt8>) {
    // Sound: the text is the library's, which stays.
    unsafe withBytes(ofCString: ctls_library_version()) { out.append(cutting: $0) }
  }

  /// Appends why it could not be loaded, in the system's words; nothing when it could. Cut where
  /// `out` is full.
  public static func problem(into out: inout OutputSpan<UInt8>) {
    // Sound: the text is static, and not changed once it is there.
    unsafe withBytes(ofCString: ctls_library_problem()) { out.append(cutting: $0) }
  }
}
