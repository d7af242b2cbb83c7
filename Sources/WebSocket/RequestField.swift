import Core

/// Why a field of the client's own cannot go into the request for a WebSocket.
public enum RequestFieldFault: UInt8, Error, BitwiseCopyable, Sendable {
  /// The name is empty or no token (RFC 9110, section 5.1).
  case name
  /// The handshake writes this field itself, or HTTP would mean something by it.
  case reserved
  /// The value has a control character, or a blank at either end (RFC 9110, section 5.5).
  case value

  /// The fault in words.
  public var text: StaticString {
    switch self {
    case .name: "expected the name of an HTTP field: letters, digits, - and _"
    case .reserved: "this field is the handshake's own"
    case .value: "expected a value without control characters, and without blanks at either end"
    }
  }
}

/// A field of the client's own in the request for a WebSocket: an API key, say.
public enum RequestField {
  /// Throws unless a line of this name and value may stand in the request.
  public static func check(
    name: Span<UInt8>, value: Span<UInt8>
  ) throws(RequestFieldFault) {
    guard !name.isEmpty else { throw .name }
    for index in name.indices where !HeadField.isTokenCharacter(name[index]) { throw .name }
    guard !isReserved(name) else { throw .reserved }
    for index in value.indices where value[index] < 0x20 || value[index] == 0x7F { throw .value }
    if let last = value.indices.last {
      let blank = UInt8(ascii: " ")
      guard value[0] != blank, value[last] != blank else { throw .value }
    }
  }

  /// Appends "name: value", CR and LF.
  public static func write(
    name: Span<UInt8>, value: Span<UInt8>, into out: inout OutputSpan<UInt8>
  ) {
    out.append(contentsOf: name)
    out.append(literal: ": ")
    out.append(contentsOf: value)
    out.append(literal: "\r\n")
  }

  private static func isReserved(_ name: Span<UInt8>) -> Bool {
    name.equalsIgnoringCase("host") || name.equalsIgnoringCase("upgrade")
      || name.equalsIgnoringCase("connection") || name.equalsIgnoringCase("content-length")
      || name.equalsIgnoringCase("transfer-encoding") || name.equalsIgnoringCase("expect")
      || name.count >= 14 && name.extracting(0..<14).equalsIgnoringCase("sec-websocket-")
  }
}

extension OutputSpan<UInt8> {
  /// Appends a host as URLs and the Host field write it: an IPv6 address in brackets, and without the
  /// zone, which means something here only (RFC 6874).
  @_lifetime(self: copy self)
  public mutating func append(hostOfURL host: Span<UInt8>) {
    var isAddress = false
    for index in host.indices where host[index] == UInt8(ascii: ":") { isAddress = true }
    guard isAddress else { return append(contentsOf: host) }
    append(literal: "[")
    for index in host.indices {
      if host[index] == UInt8(ascii: "%") { break }
      append(host[index])
    }
    append(literal: "]")
  }
}
