import Core

/// Properties are written one after the other into the caller's memory, which is then handed to the
/// encoder of a packet. A single property is checked when it is appended; whether the packet may
/// have it, and how often, the packet's encoder checks. So it takes the properties of a received
/// packet too.
///
///     try V5.Properties.append(.receiveMaximum, 20, to: &list)
///     try V5.Properties.append(.reasonString, text: why, to: &list)
///     try V5.Properties.append(user: name, value, to: &list)
extension V5.Properties {
  /// Appends a property that is a number, or throws and appends nothing. A number out of the
  /// property's range, or a property that is no number, is `invalidProperties`.
  public static func append(
    _ id: V5.PropertyID, _ number: UInt32, to list: inout OutputSpan<UInt8>
  ) throws(EncodeError) {
    guard id.takes(number) else { throw .invalidProperties }
    let size: Int
    switch id.form {
    case .byte: size = 1
    case .twoBytes: size = 2
    case .fourBytes: size = 4
    default: size = VarInt.size(of: Int(truncatingIfNeeded: number))
    }
    guard 1 + size <= list.freeCapacity else { throw .bufferFull }
    list.append(id.rawValue)
    switch id.form {
    case .byte: list.append(UInt8(truncatingIfNeeded: number))
    case .twoBytes: list.append(bigEndian: UInt16(truncatingIfNeeded: number))
    case .fourBytes: list.append(bigEndian: number)
    default: list.append(varInt: Int(truncatingIfNeeded: number))
    }
  }

  /// Appends a property that is text or bytes, or throws and appends nothing. A property that is
  /// neither is `invalidProperties`.
  public static func append(
    _ id: V5.PropertyID, text: Span<UInt8>, to list: inout OutputSpan<UInt8>
  ) throws(EncodeError) {
    guard text.count <= UInt16.max else { throw .packetTooLarge }
    switch id.form {
    case .text:
      guard isValidText(text) else { throw .malformedText }
    case .topicName:
      guard TopicName.isValid(text) else { throw .invalidTopicName }
    case .binary: break
    case .byte, .twoBytes, .fourBytes, .variable, .pair: throw .invalidProperties
    }
    guard 1 + 2 + text.count <= list.freeCapacity else { throw .bufferFull }
    list.append(id.rawValue)
    list.append(prefixed: text)
  }

  /// Appends a user property, or throws and appends nothing.
  public static func append(
    user name: Span<UInt8>, _ value: Span<UInt8>, to list: inout OutputSpan<UInt8>
  ) throws(EncodeError) {
    guard name.count <= UInt16.max, value.count <= UInt16.max else { throw .packetTooLarge }
    guard isValidText(name), isValidText(value) else { throw .malformedText }
    guard 1 + 2 + name.count + 2 + value.count <= list.freeCapacity else { throw .bufferFull }
    list.append(V5.PropertyID.userProperty.rawValue)
    list.append(prefixed: name)
    list.append(prefixed: value)
  }

  /// Goes through a list as `append` has written it, whose bytes `next(in:)` is given.
  public static func walk(written list: Span<UInt8>) -> Walk {
    Walk(fields: FieldReader(offset: 0, end: list.count))
  }

  /// The number of the first property `id` in a list as `append` has written it; nil when there is
  /// none.
  public static func number(_ id: V5.PropertyID, written list: Span<UInt8>) -> UInt32? {
    var walk = walk(written: list)
    while let property = walk.next(in: list) {
      if property.id == id { return property.number }
    }
    return nil
  }

  /// The properties in `list`, checked as those of a received packet are.
  init(written list: Span<UInt8>, in place: V5.PropertyPlace) throws(EncodeError) {
    guard list.count <= VarInt.max else { throw .packetTooLarge }
    do throws(DecodeError) {
      try self.init(list, list: Field(offset: 0, count: list.count), in: place)
    } catch { throw .invalidProperties }
  }

  /// The properties in `list`, as `append` has written them, of a PUBLISH to a server; throws when they
  /// cannot be such.
  public init(ofPublish list: Span<UInt8>) throws(EncodeError) {
    try self.init(written: list, in: .publishFromClient)
  }

  /// Bytes of the properties and their length.
  var size: Int { VarInt.size(of: field.count) + field.count }
}

extension OutputSpan<UInt8> {
  /// Appends properties behind their length.
  @_lifetime(self: copy self)
  mutating func append(properties: Span<UInt8>) {
    append(varInt: properties.count)
    append(contentsOf: properties)
  }

  /// Begins a packet: appends its fixed header, after which there is room for the `bodySize` bytes
  /// of its body; or throws and appends nothing.
  @_lifetime(self: copy self)
  mutating func appendHeader(_ firstByte: UInt8, bodySize: Int) throws(EncodeError) {
    guard bodySize <= VarInt.max else { throw .packetTooLarge }
    guard 1 + VarInt.size(of: bodySize) + bodySize <= freeCapacity else { throw .bufferFull }
    append(firstByte)
    append(varInt: bodySize)
  }
}
