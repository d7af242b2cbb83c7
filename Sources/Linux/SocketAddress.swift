import CLinux
import Core
import Dialing

/// An IPv4 or IPv6 address and a port.
public struct SocketAddress: BitwiseCopyable, Equatable, Sendable {
  var system: clinux_address

  init(_ system: clinux_address) { self.system = system }

  /// The address that `text` writes in numbers ("192.0.2.1", "fe80::1%eth0"); nil when it is not
  /// one.
  public init?(numeric text: Span<UInt8>, port: UInt16) {
    var address = clinux_address()
    // Sound: the C string lives through the call.
    let isNumeric = unsafe withCString(text) { unsafe clinux_address_parse(&address, $0, port) }
    guard isNumeric == true else { return nil }
    system = address
  }

  /// This machine itself: 127.0.0.1.
  public static func loopback(port: UInt16) -> SocketAddress {
    var address = clinux_address()
    address.family = 4
    address.port = port
    address.bytes.0 = 127
    address.bytes.3 = 1
    return SocketAddress(address)
  }

  /// The port, 0 for "whichever is free" in a listener.
  public var port: UInt16 {
    get { system.port }
    set { system.port = newValue }
  }

  /// True for IPv6.
  public var isV6: Bool { system.family == 6 }

  /// The address alone, as on the wire.
  public var numeric: NumericAddress {
    let raw = system.bytes
    let bytes: InlineArray<16, UInt8> = [
      raw.0, raw.1, raw.2, raw.3, raw.4, raw.5, raw.6, raw.7, raw.8, raw.9, raw.10, raw.11, raw.12,
      raw.13, raw.14, raw.15,
    ]
    return NumericAddress(bytes: bytes, isV6: isV6)
  }

  /// True when both are the same address, scope and port.
  public static func == (a: SocketAddress, b: SocketAddress) -> Bool {
    var left = a.system
    var right = b.system
    // Sound: the call only reads both.
    return unsafe clinux_address_equal(&left, &right)
  }

  /// Appends "192.0.2.1:1883" or "[2001:db8::1]:1883": at most 56 bytes, cut where `out` is full.
  public func description(into out: inout OutputSpan<UInt8>) {
    var scratch = InlineArray<48, CChar>(repeating: 0)
    var slots = scratch.mutableSpan
    var address = system
    // Sound: an address takes at most INET6_ADDRSTRLEN (46) characters, its NUL included.
    let count = unsafe slots.withUnsafeMutableBufferPointer {
      unsafe clinux_address_text(&address, $0.baseAddress, $0.count)
    }
    func put(_ byte: UInt8) { if out.freeCapacity > 0 { out.append(byte) } }
    if isV6 { put(UInt8(ascii: "[")) }
    for index in 0..<Int(count) { put(UInt8(bitPattern: scratch[index])) }
    if isV6 { put(UInt8(ascii: "]")) }
    put(UInt8(ascii: ":"))
    if out.freeCapacity >= 5 { out.append(decimal: Int64(wide: Int(port))) }
  }
}
