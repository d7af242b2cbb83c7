import Core
import MQTT
import Testing

/// Section 2.2.2: which property may be where, how often, and with what value.
@Suite struct V5PropertyTests {
  @Test func thereAre27() {
    #expect(V5.PropertyID.all.count == 27)
  }

  /// Each identifier from 0 to 255 in each place: taken where table 2-4 has it, else malformed.
  @Test(arguments: places) func eachPlaceHasItsProperties(place: Place) {
    for number in 0...255 as ClosedRange<UInt8> {
      let id = V5.PropertyID(rawValue: number)
      var list = id?.example ?? [number, 0]
      if number != 0x15 { list = place.needed + list }
      let error = refusalV5(place.bytes(list), from: place.sender)
      #expect(
        error == (place.allowed.contains(number) ? nil : .misplacedProperty),
        "property \(number)")
    }
  }

  @Test(arguments: places) func propertiesComeOnceButForSome(place: Place) {
    for number in place.allowed {
      guard let id = V5.PropertyID(rawValue: number) else { continue }
      let list = (number == 0x15 ? [] : place.needed) + id.example + id.example
      let error = refusalV5(place.bytes(list), from: place.sender)
      #expect(
        error == (place.repeatable.contains(number) ? nil : .repeatedProperty),
        "property \(number)")
    }
  }

  /// The last byte of the properties is missing, one after the other, up to the first.
  @Test(arguments: places) func cutPropertiesAreRefused(place: Place) {
    for number in place.allowed {
      guard let id = V5.PropertyID(rawValue: number) else { continue }
      for count in 1..<id.example.count {
        let list = place.needed + id.example[..<count]
        let error = refusalV5(place.bytes(list), from: place.sender)
        #expect(error == .malformedBody, "property \(number), \(count) bytes")
      }
    }
  }

  @Test(arguments: places) func everyTruncationAsksForMore(place: Place) {
    let bytes = place.bytes(place.needed + V5.PropertyID.userProperty.example)
    for count in 0..<bytes.count {
      #expect(decodeV5(Array(bytes[..<count]), from: place.sender) == .incomplete)
    }
    let whole = decodeV5(bytes, from: place.sender)
    #expect(packetV5(bytes, from: place.sender) != nil)
    #expect(decodeV5(bytes + [0xFF], from: place.sender) == whole)
  }

  /// Any length but the right one leaves a body that cannot be read, or can be payload.
  @Test func lengthsBeyondThePacket() {
    #expect(refusalV5([0x30, 4] + prefixed("t") + [1], from: .client) == .malformedBody)
    #expect(refusalV5([0x20, 3, 0, 0, 1], from: .server) == .malformedBody)
    #expect(refusalV5([0x40, 4, 0, 1, 0, 1], from: .client) == .malformedBody)
    #expect(refusalV5([0x40, 5, 0, 1, 0, 0, 0], from: .client) == .malformedBody)
    #expect(refusalV5([0xE0, 2, 0, 1], from: .client) == .malformedBody)
    #expect(refusalV5([0xE0, 3, 0, 0, 0], from: .client) == .malformedBody)
    #expect(refusalV5([0x20, 4, 0, 0, 0, 0], from: .server) == .malformedBody)
  }

  /// Section 1.5.5: the least number of bytes, and four at most.
  @Test func lengthsInTooManyBytes() {
    let topic = prefixed("t")
    for length in [[0x80, 0x00], [0x81, 0x80, 0x00], [0x80, 0x80, 0x80, 0x80, 0x01]] as [[UInt8]] {
      let bytes = packet(0x30, topic + length + [UInt8](repeating: 0, count: 9))
      #expect(refusalV5(bytes, from: .client) == .malformedLength)
    }
    for number in [[0x80, 0x00], [0x80, 0x80, 0x80, 0x80]] as [[UInt8]] {
      let bytes = packet(0x30, topic + sized([0x0B] + number) + [0])
      #expect(refusalV5(bytes, from: .server) == .malformedLength)
    }
  }

  @Test func listsOfMoreThan127Bytes() throws {
    let one = [0x26] + prefixed("key") + prefixed("value")
    let list = [[UInt8]](repeating: one, count: 10).flatMap { $0 }
    #expect(list.count == 130)
    let bytes = longPacket(0x30, prefixed("t") + [0x82, 0x01] + list + utf8("x"))
    guard case .publish(let publish) = packetV5(bytes, from: .client) else { throw Unexpected() }
    #expect(publish.properties.field.count == 130 && bytes.text(publish.payload) == "x")
    var walk = publish.properties.walk
    var count = 0
    while let property = walk.next(in: bytes.span) {
      #expect(bytes.text(property.name) == "key" && bytes.text(property.text) == "value")
      count += 1
    }
    #expect(count == 10)
  }

  @Test func valuesOutOfRange() {
    let connect = places[0]
    let answer = places[2]
    let toClient = places[4]
    let cases: [(Place, [UInt8], DecodeError)] = [
      (connect, [0x17, 2], .invalidProperty), (connect, [0x19, 2], .invalidProperty),
      (connect, [0x21, 0, 0], .invalidProperty),
      (connect, [0x27, 0, 0, 0, 0], .invalidProperty),
      (answer, [0x24, 2], .invalidProperty), (answer, [0x25, 2], .invalidProperty),
      (answer, [0x28, 2], .invalidProperty), (answer, [0x29, 0xFF], .invalidProperty),
      (answer, [0x2A, 2], .invalidProperty), (toClient, [0x01, 2], .invalidProperty),
      (toClient, [0x0B, 0], .invalidProperty), (toClient, [0x23, 0, 0], .invalidTopicAlias),
      (toClient, [0x08] + prefixed("a/+"), .invalidTopicName),
      (toClient, [0x08] + prefixed("#"), .invalidTopicName),
      (toClient, [0x08] + prefixed(""), .invalidTopicName),
      (toClient, [0x03, 0, 1, 0], .malformedText), (toClient, [0x03, 0, 1, 0xFF], .malformedText),
      (toClient, [0x26, 0, 1, 0x80, 0, 0], .malformedText),
      (toClient, [0x26, 0, 0, 0, 1, 0x00], .malformedText),
    ]
    for (place, list, error) in cases {
      #expect(refusalV5(place.bytes(list), from: place.sender) == error, "\(list)")
    }
  }

  @Test func valuesAtTheEdgeOfTheirRange() {
    let connect = places[0]
    let answer = places[2]
    let toClient = places[4]
    let cases: [(Place, [UInt8])] = [
      (connect, [0x17, 0]), (connect, [0x21, 0, 1]), (connect, [0x21, 0xFF, 0xFF]),
      (connect, [0x27, 0, 0, 0, 1]), (connect, [0x22, 0, 0]), (connect, [0x11, 0, 0, 0, 0]),
      (connect, [0x11, 0xFF, 0xFF, 0xFF, 0xFF]), (answer, [0x13, 0, 0]), (answer, [0x24, 0]),
      (toClient, [0x0B, 1]), (toClient, [0x0B, 0xFF, 0xFF, 0xFF, 0x7F]),
      (toClient, [0x02, 0, 0, 0, 0]), (toClient, [0x03, 0, 0]), (toClient, [0x09, 0, 1, 0xFF]),
      (toClient, [0x26, 0, 0, 0, 0]),
    ]
    for (place, list) in cases {
      #expect(refusalV5(place.bytes(list), from: place.sender) == nil, "\(list)")
    }
  }

  @Test func propertiesAreWalkedAndFound() throws {
    let list =
      [0x01, 1, 0x0B, 0x80, 0x01, 0x23, 0, 7] + ([0x09] + prefixed("id"))
      + ([0x26] + prefixed("k") + prefixed("v")) + [0x0B, 5]
    let bytes = places[4].bytes(list)
    guard case .publish(let publish) = packetV5(bytes, from: .server) else { throw Unexpected() }
    let properties = publish.properties
    var walk = properties.walk
    var found: [V5.PropertyID] = []
    var numbers: [UInt32] = []
    while let property = walk.next(in: bytes.span) {
      found.append(property.id)
      numbers.append(property.number)
    }
    #expect(
      found == [
        .payloadFormatIndicator, .subscriptionIdentifier, .topicAlias, .correlationData,
        .userProperty, .subscriptionIdentifier,
      ])
    #expect(numbers == [1, 128, 7, 0, 0, 5])
    #expect(properties.contains(.topicAlias) && !properties.contains(.contentType))
    #expect(properties.number(.subscriptionIdentifier, in: bytes.span) == 128)
    #expect(properties.number(.messageExpiryInterval, in: bytes.span) == nil)
    #expect(properties.text(.correlationData, in: bytes.span).map { bytes.text($0) } == "id")
    #expect(!properties.isEmpty && properties.field.count == list.count)
  }

  /// Sections 3.1.2.11.10 and 3.15.2.2.2.
  @Test func authenticationNeedsItsMethod() {
    for place in places where place.allowed.contains(0x16) {
      let data: [UInt8] = [0x16] + prefixed("secret")
      #expect(refusalV5(place.bytes(data), from: place.sender) == .missingProperty)
      #expect(refusalV5(place.bytes(data + place.needed), from: place.sender) == nil)
    }
    #expect(refusalV5([0xF0, 2, 0x18, 0], from: .client) == .missingProperty)
    #expect(refusalV5([0xF0, 2, 0x00, 0], from: .server) == .missingProperty)
  }

  /// Section 3.1.2.11.7: the client has sent a Request Problem Information of 0.
  @Test(arguments: places) func problemInformationCanBeDeclined(place: Place) {
    let isSpared =
      place.sender == .client || place.description.hasPrefix("PUBLISH")
      || place.description.hasPrefix("CONNACK") || place.description.hasPrefix("DISCONNECT")
    for id in [V5.PropertyID.reasonString, .userProperty]
    where place.allowed.contains(id.rawValue) {
      let error = refusalV5(
        place.bytes(place.needed + id.example), from: place.sender, problemInformation: false)
      #expect(error == (isSpared ? nil : .unwantedProperty))
    }
    if place.needed.isEmpty {
      let bare = refusalV5(place.bytes([]), from: place.sender, problemInformation: false)
      #expect(bare == nil)
    }
  }

  @Test func authenticationCanDoWithoutProblemInformation() {
    let method: [UInt8] = [0x15] + prefixed("m")
    let plain = longPacket(0xF0, [0x18] + sized(method))
    #expect(refusalV5(plain, from: .server, problemInformation: false) == nil)
    let wordy = longPacket(0xF0, [0x18] + sized(method + [0x1F] + prefixed("why")))
    #expect(refusalV5(wordy, from: .server, problemInformation: false) == .unwantedProperty)
    #expect(refusalV5(wordy, from: .client, problemInformation: false) == nil)
    #expect(refusalV5(wordy, from: .server) == nil)
  }
}
