import Core
import Device
import Dialing
import Linux
import Uplink

/// Where the broker is that a line of the log is of: where the profile has it, or where that one has sent us.
struct BrokerPlace: BitwiseCopyable {
  private let endpoint: Endpoint
  private let reference: ServerReference?

  init(_ endpoint: Endpoint, sentTo reference: ServerReference? = nil) {
    self.endpoint = endpoint
    self.reference = reference
  }

  /// The broker that is connected, or was tried last.
  init(_ link: borrowing BrokerLink<FileStorage>) {
    self.init(link.spec.dial.broker(link.broker), sentTo: link.reference)
  }

  /// Host and port, or a Unix socket's path: neither user nor password.
  fileprivate func append(to line: inout LogLine, _ texts: borrowing TextPool) {
    if endpoint.kind == .unix {
      texts.withBytes(of: endpoint.path) { line.append(contentsOf: $0) }
    } else if let reference {
      let port = reference.port == 0 ? endpoint.kind.defaultPort : reference.port
      reference.host.withBytes { Self.append($0, port, to: &line) }
    } else {
      texts.withBytes(of: endpoint.host) { Self.append($0, endpoint.port, to: &line) }
    }
  }

  private static func append(_ host: Span<UInt8>, _ port: UInt16, to line: inout LogLine) {
    // An address of IPv6 stands in brackets, as in a URL.
    var isBracketed = false
    for index in host.indices where host[index] == UInt8(ascii: ":") { isBracketed = true }
    if isBracketed { line.append(literal: "[") }
    line.append(contentsOf: host)
    line.append(literal: isBracketed ? "]:" : ":")
    line.append(decimal: Int64(wide: Int(port)))
  }
}

extension LogLine {
  /// Appends where a broker is.
  mutating func append(_ place: BrokerPlace, _ texts: borrowing TextPool) {
    place.append(to: &self, texts)
  }
}
