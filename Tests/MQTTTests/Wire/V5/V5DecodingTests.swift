import Core
import MQTT
import Testing

/// What hand-worked packets of chapter 3 say.
@Suite struct V5DecodingTests {
  @Test func connectWithAllFields() throws {
    let bytes = v5Samples[1].bytes
    guard case .connect(let connect) = packetV5(bytes, from: .client) else { throw Unexpected() }
    #expect(connect.cleanStart && connect.keepAlive == 10)
    #expect(connect.properties.number(.sessionExpiryInterval, in: bytes.span) == 60)
    #expect(connect.properties.number(.receiveMaximum, in: bytes.span) == 8)
    #expect(bytes.text(connect.clientID) == "abc")
    let will = try #require(connect.will)
    #expect(will.qos == .atLeastOnce && will.retain)
    #expect(will.properties.number(.willDelayInterval, in: bytes.span) == 5)
    #expect(bytes.text(will.topic) == "w/t" && bytes.text(will.payload) == "gone")
    #expect(connect.userName.map { bytes.text($0) } == "u")
    #expect(connect.password.map { bytes.text($0) } == "pw")
  }

  /// Section 3.1.2.9: a password stands alone; an empty name asks for one.
  @Test func connectWithFewFields() throws {
    let bare = v5Samples[0].bytes
    let token = v5Samples[2].bytes
    guard case .connect(let fewest) = packetV5(bare, from: .client),
      case .connect(let alone) = packetV5(token, from: .client)
    else { throw Unexpected() }
    #expect(fewest.clientID.count == 0 && fewest.will == nil && fewest.properties.isEmpty)
    #expect(fewest.userName == nil && fewest.password == nil)
    #expect(alone.userName == nil && alone.password.map { token.text($0) } == "token")
    #expect(!alone.cleanStart)
  }

  @Test func connectAck() throws {
    let bytes = v5Samples[4].bytes
    guard case .connectAck(let answer) = packetV5(bytes, from: .server) else { throw Unexpected() }
    #expect(answer.reason == .success && !answer.sessionPresent)
    let properties = answer.properties
    let name = properties.text(.assignedClientIdentifier, in: bytes.span)
    #expect(name.map { bytes.text($0) } == "auto-1")
    #expect(properties.number(.serverKeepAlive, in: bytes.span) == 30)
    #expect(properties.number(.maximumPacketSize, in: bytes.span) == 65_536)
    #expect(properties.number(.sharedSubscriptionAvailable, in: bytes.span) == 0)
  }

  @Test func publishByAlias() throws {
    let bytes = v5Samples[8].bytes
    guard case .publish(let publish) = packetV5(bytes, from: .client) else { throw Unexpected() }
    #expect(publish.topic.count == 0 && publish.payload.count == 0 && publish.packetID == 0)
    #expect(publish.properties.number(.topicAlias, in: bytes.span) == 1)
  }

  @Test func publishWithEverything() throws {
    let bytes = v5Samples[7].bytes
    guard case .publish(let publish) = packetV5(bytes, from: .client) else { throw Unexpected() }
    #expect(publish.qos == .exactlyOnce && publish.retain && publish.dup)
    #expect(publish.packetID == 0x1234 && bytes.text(publish.topic) == "a/b")
    #expect(bytes.text(publish.payload) == "x")
  }

  @Test func answersMayLeaveOutSuccess() throws {
    for (first, sender) in [(0x40 as UInt8, Role.client), (0x50, .server)] {
      for rest in [[], [0], [0, 0]] as [[UInt8]] {
        let read = packetV5(packet(first, [0x12, 0x34] + rest), from: sender)
        switch read {
        case .publishAck(let answer), .publishReceived(let answer):
          #expect(answer.packetID == 0x1234 && answer.reason == .success)
          #expect(answer.properties.isEmpty)
        default: throw Unexpected()
        }
      }
    }
    for first in [0x62, 0x70] as [UInt8] {
      for rest in [[0x92], [0x92, 0]] as [[UInt8]] {
        let read = packetV5(packet(first, [0x12, 0x34] + rest), from: .client)
        switch read {
        case .publishRelease(let answer), .publishComplete(let answer):
          #expect(answer.packetID == 0x1234 && answer.reason == .packetIdentifierNotFound)
        default: throw Unexpected()
        }
      }
    }
  }

  @Test func leavingMayLeaveOutItsReason() throws {
    let cases: [([UInt8], V5.DisconnectReason)] = [
      ([0xE0, 0], .normalDisconnection), ([0xE0, 1, 4], .disconnectWithWill),
      ([0xE0, 2, 0, 0], .normalDisconnection), ([0xE0, 1, 0x81], .malformedPacket),
    ]
    for (bytes, reason) in cases {
      guard case .disconnect(let packet) = packetV5(bytes, from: .client) else {
        throw Unexpected()
      }
      #expect(packet.reason == reason && packet.properties.isEmpty)
    }
    guard case .authenticate(let bare) = packetV5([0xF0, 0], from: .server) else {
      throw Unexpected()
    }
    #expect(bare.reason == .success && bare.properties.isEmpty)
  }

  @Test func subscribeIsWalked() throws {
    let bytes = v5Samples[19].bytes
    guard case .subscribe(let subscribe) = packetV5(bytes, from: .client) else {
      throw Unexpected()
    }
    #expect(subscribe.packetID == 10)
    #expect(subscribe.properties.number(.subscriptionIdentifier, in: bytes.span) == 16_383)
    var walk = subscribe.walk
    let first = walk.next(in: bytes.span)
    let second = walk.next(in: bytes.span)
    let third = walk.next(in: bytes.span)
    #expect(first.map { bytes.text($0.filter) } == "a/b" && first?.options.qos == .atLeastOnce)
    #expect(second.map { bytes.text($0.filter) } == "$share/g/c/#")
    #expect(
      second?.options
        == V5.SubscriptionOptions(
          qos: .exactlyOnce, retainAsPublished: true, retainHandling: .sendNever))
    #expect(third == nil)
  }

  @Test func unsubscribeIsWalked() throws {
    let bytes = v5Samples[21].bytes
    guard case .unsubscribe(let packet) = packetV5(bytes, from: .client) else {
      throw Unexpected()
    }
    var walk = packet.walk
    var filters: [String] = []
    while let filter = walk.next(in: bytes.span) { filters.append(bytes.text(filter)) }
    #expect(filters == ["a/b", "+/d"] && packet.properties.contains(.userProperty))
  }

  @Test func listsOfReasons() throws {
    let granted = v5Samples[20].bytes
    let gone = v5Samples[22].bytes
    guard case .subscribeAck(let subscribed) = packetV5(granted, from: .server),
      case .unsubscribeAck(let unsubscribed) = packetV5(gone, from: .server)
    else { throw Unexpected() }
    let reasons = (0..<3).map { subscribed.reason($0, in: granted.span) }
    #expect(
      reasons == [.grantedAtMostOnce, .grantedExactlyOnce, .sharedSubscriptionsNotSupported])
    #expect(reasons.map(\.qos) == [.atMostOnce, .exactlyOnce, nil])
    let codes = (0..<2).map { unsubscribed.reason($0, in: gone.span) }
    #expect(codes == [.success, .noSubscriptionExisted])
  }

  @Test(arguments: v5Samples) func everyTruncationAsksForMore(sample: V5Sample) {
    for count in 0..<sample.bytes.count {
      #expect(decodeV5(Array(sample.bytes[..<count]), from: sample.sender) == .incomplete)
    }
    let whole = decodeV5(sample.bytes, from: sample.sender)
    #expect(packetV5(sample.bytes, from: sample.sender) != nil)
    #expect(decodeV5(sample.bytes + [0xFF], from: sample.sender) == whole)
  }

  /// A body cut short anywhere, with a remaining length that says so: refused, or a shorter packet
  /// that the rules allow; never a field beyond the end.
  @Test(arguments: v5Samples) func cutBodiesNeverReachBeyondTheirEnd(sample: V5Sample) throws {
    for count in 0..<Int(sample.bytes[1]) {
      let bytes = [sample.bytes[0], UInt8(count)] + sample.bytes[2..<2 + count]
      switch decodeV5(bytes, from: sample.sender) {
      case .packet(let packet, let size):
        #expect(size == bytes.count)
        #expect(try rewrittenV5(packet, bytes, from: sample.sender).count <= size)
      case .incomplete: Issue.record("\(count) bytes are whole")
      case .refused(let error): #expect(error != .packetTooLarge)
      }
    }
  }

  @Test func longPacketsAreRefusedByTheirHeader() {
    #expect(decodeV5([0x30, 99], from: .client, packetBytesMax: 100) == .refused(.packetTooLarge))
    #expect(decodeV5([0x30, 98], from: .client, packetBytesMax: 100) == .incomplete)
  }
}
