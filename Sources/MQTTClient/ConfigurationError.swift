import Dialing

/// What is wrong with a `ClientConfiguration`; found before anything connects. Never holds a secret.
public enum ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The broker's URL.
  case url(URLFault)
  /// The proxy's URL.
  case proxy(URLFault)
  /// A field of the request for a WebSocket cannot be one.
  case webSocketField(name: String)
  /// A setting cannot have this value; what it may be.
  case setting(String, expected: String)
  /// The journal cannot be this client's.
  case journal(JournalFault)
  /// The operating system gives what is needed not, for the reason that the error number (errno) has.
  case system(code: Int32)

  /// The error in words.
  public var description: String {
    switch self {
    case .url(let fault): "url: \(fault.text)"
    case .proxy(let fault): "proxy.url: \(fault.text)"
    case .webSocketField(let name): "webSocketFields: \(name) cannot be a field of the request"
    case .setting(let name, let expected): "\(name): expected \(expected)"
    case .journal(let fault): "journal.path: \(fault)"
    case .system(let code): "the system gives no thread, memory or descriptor (errno \(code))"
    }
  }
}
