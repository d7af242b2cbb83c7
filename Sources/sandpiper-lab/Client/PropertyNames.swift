import Core
import MQTT

/// The names of 5.0's properties in the line protocol: the specification's, in lower case with dashes.
enum PropertyNames {
  static func id(of name: Span<UInt8>) -> V5.PropertyID? {
    for number in 1...42 as ClosedRange<UInt8> {
      if let id = V5.PropertyID(rawValue: number), name.equals(self.name(of: id)) { return id }
    }
    return nil
  }

  static func name(of id: V5.PropertyID) -> StaticString {
    switch id {
    case .payloadFormatIndicator: "payload-format-indicator"
    case .messageExpiryInterval: "message-expiry-interval"
    case .contentType: "content-type"
    case .responseTopic: "response-topic"
    case .correlationData: "correlation-data"
    case .subscriptionIdentifier: "subscription-identifier"
    case .sessionExpiryInterval: "session-expiry-interval"
    case .assignedClientIdentifier: "assigned-client-identifier"
    case .serverKeepAlive: "server-keep-alive"
    case .authenticationMethod: "authentication-method"
    case .authenticationData: "authentication-data"
    case .requestProblemInformation: "request-problem-information"
    case .willDelayInterval: "will-delay-interval"
    case .requestResponseInformation: "request-response-information"
    case .responseInformation: "response-information"
    case .serverReference: "server-reference"
    case .reasonString: "reason-string"
    case .receiveMaximum: "receive-maximum"
    case .topicAliasMaximum: "topic-alias-maximum"
    case .topicAlias: "topic-alias"
    case .maximumQoS: "maximum-qos"
    case .retainAvailable: "retain-available"
    case .userProperty: "user-property"
    case .maximumPacketSize: "maximum-packet-size"
    case .wildcardSubscriptionAvailable: "wildcard-subscription-available"
    case .subscriptionIdentifierAvailable: "subscription-identifier-available"
    case .sharedSubscriptionAvailable: "shared-subscription-available"
    }
  }
}

extension DriverLine {
  /// Writes the properties of the line, `prop.<name>=<value>` in their order, as they go on the wire.
  mutating func properties(into list: inout [UInt8]) throws(Fault) {
    list.removeAll(keepingCapacity: true)
    for field in fields where field.key.count > 5 {
      guard let id = try propertyID(field) else { continue }
      try append(id, field, to: &list)
    }
  }

  private func propertyID(_ field: Field) throws(Fault) -> V5.PropertyID? {
    let key = bytes.span.extracting(field.key)
    guard key.extracting(0..<5).equals("prop.") else { return nil }
    guard let id = PropertyNames.id(of: key.extracting(5..<key.count)) else { throw .malformed }
    return id
  }

  private mutating func append(
    _ id: V5.PropertyID, _ field: Field, to list: inout [UInt8]
  ) throws(Fault) {
    // The longest property, and its identifier and lengths.
    let room = 8 + field.raw.count
    switch id.form {
    case .byte, .twoBytes, .fourBytes, .variable:
      let number = try number(field)
      guard number <= UInt32.max else { throw .malformed }
      try Self.write(&list, room) { out throws(EncodeError) in
        try V5.Properties.append(id, UInt32(number), to: &out)
      }
    case .text, .topicName, .binary:
      let text = decoded.span.extracting(field.value)
      try Self.write(&list, room) { out throws(EncodeError) in
        try V5.Properties.append(id, text: text, to: &out)
      }
    case .pair:
      // A colon parts name and value; one within the name is written %3a.
      guard let colon = bytes[field.raw].firstIndex(of: UInt8(ascii: ":")) else {
        throw .malformed
      }
      let start = decoded.count
      try decode(field.raw.lowerBound..<colon)
      let middle = decoded.count
      try decode(colon + 1..<field.raw.upperBound)
      let name = decoded.span.extracting(start..<middle)
      let value = decoded.span.extracting(middle..<decoded.count)
      try Self.write(&list, room) { out throws(EncodeError) in
        try V5.Properties.append(user: name, value, to: &out)
      }
    }
  }

  private static func write(
    _ list: inout [UInt8], _ room: Int,
    _ body: (inout OutputSpan<UInt8>) throws(EncodeError) -> Void
  ) throws(Fault) {
    var isGood = true
    list.append(addingCapacity: room) { out in
      do throws(EncodeError) { try body(&out) } catch { isGood = false }
    }
    if !isGood { throw .malformed }
  }
}

extension DriverWriter {
  /// Appends ` prop.<name>=<value>` for each property of a received packet.
  mutating func append(_ properties: V5.Properties, in bytes: Span<UInt8>) {
    append(properties.walk, in: bytes)
  }

  /// The same for a list of properties by itself.
  mutating func append(written list: Span<UInt8>) {
    append(V5.Properties.walk(written: list), in: list)
  }

  private mutating func append(_ start: V5.Properties.Walk, in bytes: Span<UInt8>) {
    var walk = start
    while let property = walk.next(in: bytes) {
      append(" prop.")
      append(PropertyNames.name(of: property.id))
      append("=")
      switch property.id.form {
      case .byte, .twoBytes, .fourBytes, .variable: append(Int(property.number))
      case .text, .topicName, .binary: append(encoding: bytes[property.text])
      case .pair:
        append(encoding: bytes[property.name], colons: true)
        append(":")
        append(encoding: bytes[property.text])
      }
    }
  }
}
