import Core

extension V5 {
  /// One property of a received packet.
  public struct Property: BitwiseCopyable, Equatable, Sendable {
    /// What it is about, and with that which of the fields below hold its value.
    public var id: PropertyID
    /// The value of a property that is a number; else 0.
    public var number: UInt32
    /// The value of a property that is text or bytes, or the value of a user property; else empty.
    public var text: Field
    /// The name of a user property; else empty.
    public var name: Field
  }

  /// The properties of a received packet (section 2.2.2), as sent: `walk` goes through them.
  ///
  /// Decoding has checked all of them: each is one that the packet may have, as often as it may,
  /// with a value in its range.
  public struct Properties: BitwiseCopyable, Equatable, Sendable {
    /// The properties without their length: what an encoder takes again.
    public var field: Field
    /// One bit for each identifier that is there.
    private let present: UInt64

    /// True when there is none.
    public var isEmpty: Bool { field.count == 0 }

    /// True when there is a property `id`.
    public func contains(_ id: PropertyID) -> Bool { present & Self.bit(id) != 0 }

    /// The first property `id`; nil when there is none. `bytes` is the span that was decoded.
    public func first(_ id: PropertyID, in bytes: Span<UInt8>) -> Property? {
      guard contains(id) else { return nil }
      var walk = walk
      while let property = walk.next(in: bytes) {
        if property.id == id { return property }
      }
      return nil
    }

    /// The value of property `id`, which is a number; nil when there is none. What that means, each
    /// property defines: a Receive Maximum that is not sent is 65,535, for example.
    public func number(_ id: PropertyID, in bytes: Span<UInt8>) -> UInt32? {
      first(id, in: bytes)?.number
    }

    /// The value of property `id`, which is text or bytes; nil when there is none.
    public func text(_ id: PropertyID, in bytes: Span<UInt8>) -> Field? {
      first(id, in: bytes)?.text
    }

    /// Goes through the list: `while let property = walk.next(in: bytes) { ... }`.
    public struct Walk: BitwiseCopyable, Sendable {
      var fields: FieldReader

      /// Where the next property begins.
      public var offset: Int { fields.offset }

      /// The next property; nil behind the last. `bytes` is the span that was decoded.
      public mutating func next(in bytes: Span<UInt8>) -> Property? {
        try? property(in: bytes)
      }

      /// Decoding and walking read the list by the same code, so what was decoded can be walked. It
      /// is long and there once: not inlined.
      @inline(never)
      fileprivate mutating func property(in bytes: Span<UInt8>) throws(DecodeError) -> Property? {
        guard !fields.isAtEnd else { return nil }
        // Identifiers are numbers of variable length, and those that exist are below 128.
        guard let id = PropertyID(rawValue: try fields.byte(in: bytes)) else {
          throw .misplacedProperty
        }
        let none = Field(offset: fields.offset, count: 0)
        switch id.form {
        case .byte, .twoBytes, .fourBytes, .variable:
          let number = try fields.number(id.form, in: bytes)
          guard id.takes(number) else {
            throw id == .topicAlias ? .invalidTopicAlias : .invalidProperty
          }
          return Property(id: id, number: number, text: none, name: none)
        case .text:
          return Property(id: id, number: 0, text: try fields.text(in: bytes), name: none)
        case .topicName:
          return Property(id: id, number: 0, text: try fields.topicName(in: bytes), name: none)
        case .binary:
          return Property(id: id, number: 0, text: try fields.prefixed(in: bytes), name: none)
        case .pair:
          let name = try fields.text(in: bytes)
          return Property(id: id, number: 0, text: try fields.text(in: bytes), name: name)
        }
      }
    }

    /// The list from its first property on.
    public var walk: Walk {
      Walk(fields: FieldReader(offset: field.offset, end: field.offset + field.count))
    }

    /// No properties, as in a packet that ends before them.
    init(noneAt offset: Int) {
      field = Field(offset: offset, count: 0)
      present = 0
    }

    /// The length of properties and the properties themselves, with all that tables and sections
    /// say about what may be in `place`.
    init(
      _ bytes: Span<UInt8>, _ fields: inout FieldReader, in place: PropertyPlace
    ) throws(DecodeError) {
      try self.init(bytes, list: try fields.sized(in: bytes), in: place)
    }

    init(_ bytes: Span<UInt8>, list: Field, in place: PropertyPlace) throws(DecodeError) {
      var walk = Walk(fields: FieldReader(offset: list.offset, end: list.offset + list.count))
      var present: UInt64 = 0
      while let property = try walk.property(in: bytes) {
        let id = property.id
        guard id.mayBe(in: place) else {
          throw place.isTerse && id.isProblemInformation ? .unwantedProperty : .misplacedProperty
        }
        guard present & Self.bit(id) == 0 || id.mayRepeat(in: place) else {
          throw .repeatedProperty
        }
        present |= Self.bit(id)
      }
      field = list
      self.present = present
      // Data means something to a method only, and an AUTH is nothing without one (sections
      // 3.1.2.11.10 and 3.15.2.2.2).
      guard contains(.authenticationMethod) || !needsMethod(in: place) else {
        throw .missingProperty
      }
    }

    private func needsMethod(in place: PropertyPlace) -> Bool {
      contains(.authenticationData) || place == .authenticate || place == .terseAuthenticate
    }

    private static func bit(_ id: PropertyID) -> UInt64 { 1 &<< UInt64(wide: id.rawValue) }
  }
}

extension FieldReader {
  /// A number of variable length in as few bytes as it needs (section 1.5.5).
  mutating func variable(in bytes: Span<UInt8>) throws(DecodeError) -> UInt32 {
    var value: UInt32 = 0
    for index in 0..<4 as Range<UInt32> {
      let byte = try byte(in: bytes)
      value |= UInt32(byte & 0x7F) &<< (7 &* index)
      guard byte & 0x80 == 0 else { continue }
      guard byte != 0 || index == 0 else { throw .malformedLength }
      return value
    }
    throw .malformedLength
  }

  /// The bytes behind a length of variable length: properties.
  mutating func sized(in bytes: Span<UInt8>) throws(DecodeError) -> Field {
    let count = Int(try variable(in: bytes))
    return try take(count)
  }

  fileprivate mutating func number(
    _ form: V5.PropertyForm, in bytes: Span<UInt8>
  ) throws(DecodeError) -> UInt32 {
    switch form {
    case .byte: return UInt32(try byte(in: bytes))
    case .twoBytes: return UInt32(try number(in: bytes))
    case .fourBytes:
      let upper = UInt32(try number(in: bytes))
      return upper &<< 16 | UInt32(try number(in: bytes))
    default: return try variable(in: bytes)
    }
  }
}
