import Core

/// What a proxy is asked for, and who asks: lent for one call.
public struct ProxyTarget: ~Escapable {
  /// The broker's host name, or address without brackets: 1 to 253 bytes.
  public let host: Span<UInt8>
  /// Its port.
  public let port: UInt16
  /// The address where `host` is one in numbers; SOCKS has a form of its own for it.
  public let address: NumericAddress?
  /// Name to log in with, up to 255 bytes; empty for none.
  public let user: Span<UInt8>
  /// The password, up to 255 bytes.
  public let password: Span<UInt8>

  /// A target.
  @_lifetime(copy host, copy user, copy password)
  public init(
    host: Span<UInt8>, port: UInt16, address: NumericAddress? = nil, user: Span<UInt8>,
    password: Span<UInt8>
  ) {
    precondition(!host.isEmpty && host.count <= URLAuthority.hostBytesMax)
    precondition(user.count <= Proxy.userBytesMax && password.count <= Proxy.passwordBytesMax)
    self.host = host
    self.port = port
    self.address = address
    self.user = user
    self.password = password
  }
}

/// An IPv4 or IPv6 address as on the wire.
public struct NumericAddress: BitwiseCopyable, Sendable {
  /// The address; IPv4 in the first four bytes.
  public let bytes: InlineArray<16, UInt8>
  /// True for IPv6.
  public let isV6: Bool

  /// An address.
  public init(bytes: InlineArray<16, UInt8>, isV6: Bool) {
    self.bytes = bytes
    self.isV6 = isV6
  }
}
