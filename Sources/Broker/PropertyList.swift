import Core
import MQTT

/// Properties of a packet, put together one after the other as the encoders of 5.0 take them. What
/// goes in was checked before, so that appending cannot fail.
struct PropertyList {
  /// As `V5.Properties.append` has written them.
  private(set) var bytes: [UInt8]

  init(_ bytes: [UInt8] = []) { self.bytes = bytes }

  /// What a publisher says about its message that subscribers are to hear (5.0 sections 3.3.2.3.2 to
  /// 3.3.2.3.9): the payload format first, else in the publisher's order. `packet` is the span that
  /// was decoded.
  init(forwarding properties: V5.Properties, in packet: Span<UInt8>) {
    bytes = []
    if let format = properties.number(.payloadFormatIndicator, in: packet) {
      append(.payloadFormatIndicator, format)
    }
    var walk = properties.walk
    while let property = walk.next(in: packet) {
      switch property.id {
      case .contentType, .responseTopic, .correlationData:
        append(property.id, text: packet[property.text])
      case .userProperty: append(user: packet[property.name], packet[property.text])
      default: break
      }
    }
  }

  mutating func append(_ id: V5.PropertyID, _ number: UInt32) {
    append(upTo: 5) { out throws(EncodeError) in
      try V5.Properties.append(id, number, to: &out)
    }
  }

  mutating func append(_ id: V5.PropertyID, text: Span<UInt8>) {
    append(upTo: 3 + text.count) { out throws(EncodeError) in
      try V5.Properties.append(id, text: text, to: &out)
    }
  }

  /// Nothing when there is no text.
  mutating func append(_ id: V5.PropertyID, text: [UInt8]?) {
    if let text { append(id, text: text.span) }
  }

  private mutating func append(user name: Span<UInt8>, _ value: Span<UInt8>) {
    append(upTo: 5 + name.count + value.count) { out throws(EncodeError) in
      try V5.Properties.append(user: name, value, to: &out)
    }
  }

  private mutating func append(
    upTo count: Int, _ body: (inout OutputSpan<UInt8>) throws(EncodeError) -> Void
  ) {
    bytes += packetBytes(upTo: count, body)
  }
}

/// The bytes that `encode` writes, `count` at most. What the broker writes it has checked before, so
/// that encoding cannot fail.
func packetBytes(
  upTo count: Int, _ encode: (inout OutputSpan<UInt8>) throws(EncodeError) -> Void
) -> [UInt8] {
  var bytes: [UInt8] = []
  bytes.append(addingCapacity: count) { out in
    do throws(EncodeError) {
      try encode(&out)
    } catch {
      preconditionFailure("the broker writes only what it may: \(error)")
    }
  }
  return bytes
}

extension Span<UInt8> {
  /// A copy of the bytes of a field of a packet that this span holds.
  func copy(_ field: Field) -> [UInt8] {
    let bytes = self[field]
    var copy: [UInt8] = []
    copy.append(addingCapacity: bytes.count) { out in out.append(contentsOf: bytes) }
    return copy
  }
}
