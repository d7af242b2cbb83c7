import Core
import MQTT
import Testing

@Suite struct DecodingTests {
  @Test func connectWithAllFields() throws {
    let bytes = samples[0].bytes
    guard case .packet(.connect(let connect), 35) = decode(bytes, from: .client) else {
      throw Unexpected()
    }
    #expect(connect.level == .v311 && connect.cleanSession && connect.keepAlive == 10)
    #expect(bytes.text(connect.clientID) == "abc")
    #expect(connect.will?.qos == .atLeastOnce && connect.will?.retain == false)
    #expect(connect.will.map { bytes.text($0.topic) } == "w/t")
    #expect(connect.will.map { bytes.text($0.payload) } == "gone")
    #expect(connect.userName.map { bytes.text($0) } == "u")
    #expect(connect.password.map { bytes.text($0) } == "pw")
  }

  @Test func connectTellsEmptyFromAbsent() throws {
    let plain = packet(0x10, prefixed("MQTT") + [4, 0x02, 0, 0] + prefixed("c"))
    let empty = packet(
      0x10, prefixed("MQTT") + [4, 0xC2, 0, 0] + prefixed("c") + prefixed("") + prefixed(""))
    guard case .packet(.connect(let without), _) = decode(plain, from: .client),
      case .packet(.connect(let with), _) = decode(empty, from: .client)
    else { throw Unexpected() }
    #expect(without.userName == nil && without.password == nil && without.will == nil)
    #expect(with.userName?.count == 0 && with.password?.count == 0)
  }

  @Test func connectOf31MayLackFlaggedFields() throws {
    // MQTT 3.1, "User name and password": the remaining length takes precedence over the flags.
    let bytes = packet(0x10, prefixed("MQIsdp") + [3, 0xC2, 0, 0] + prefixed("c"))
    guard case .packet(.connect(let connect), _) = decode(bytes, from: .client) else {
      throw Unexpected()
    }
    #expect(connect.level == .v31 && connect.userName == nil && connect.password == nil)
    let newer = packet(0x10, prefixed("MQTT") + [4, 0xC2, 0, 0] + prefixed("c"))
    #expect(decode(newer, from: .client) == .refused(.malformedBody))
  }

  @Test func publish() throws {
    let bytes = samples[5].bytes
    guard case .packet(.publish(let publish), 10) = decode(bytes, from: .client) else {
      throw Unexpected()
    }
    #expect(publish.qos == .exactlyOnce && publish.retain && publish.dup)
    #expect(publish.packetID == 0x1234)
    #expect(bytes.text(publish.topic) == "a/b" && bytes.text(publish.payload) == "x")
  }

  @Test func acknowledgements() {
    for (first, expected) in [
      (0x40 as UInt8, Packet.publishAck(packetID: 0x1234)),
      (0x50, .publishReceived(packetID: 0x1234)), (0x62, .publishRelease(packetID: 0x1234)),
      (0x70, .publishComplete(packetID: 0x1234)), (0xB0, .unsubscribeAck(packetID: 0x1234)),
    ] {
      #expect(decode([first, 2, 0x12, 0x34], from: .server) == .packet(expected, size: 4))
    }
  }

  @Test func subscribeIsWalked() throws {
    let bytes = samples[11].bytes
    guard case .packet(.subscribe(let subscribe), _) = decode(bytes, from: .client) else {
      throw Unexpected()
    }
    var walk = subscribe.walk
    let first = walk.next(in: bytes.span)
    let second = walk.next(in: bytes.span)
    #expect(subscribe.packetID == 10)
    #expect(first.map { bytes.text($0.filter) } == "a/b" && first?.qos == .atLeastOnce)
    #expect(second.map { bytes.text($0.filter) } == "c/#" && second?.qos == .exactlyOnce)
    let third = walk.next(in: bytes.span)
    #expect(third == nil)
  }

  @Test func subscribeAckCodes() throws {
    let bytes = samples[12].bytes
    guard case .packet(.subscribeAck(let answer), _) = decode(bytes, from: .server) else {
      throw Unexpected()
    }
    let codes = (0..<3).map { index in answer.code(index, in: bytes.span) }
    #expect(codes == [.grantedAtMostOnce, .grantedExactlyOnce, .failure])
    #expect(codes.map(\.qos) == [.atMostOnce, .exactlyOnce, nil])
  }

  @Test func unsubscribeIsWalked() throws {
    let bytes = samples[13].bytes
    guard case .packet(.unsubscribe(let unsubscribe), _) = decode(bytes, from: .client) else {
      throw Unexpected()
    }
    var walk = unsubscribe.walk
    let first = walk.next(in: bytes.span)
    let second = walk.next(in: bytes.span)
    let third = walk.next(in: bytes.span)
    #expect(first.map { bytes.text($0) } == "a/b")
    #expect(second.map { bytes.text($0) } == "+/d")
    #expect(third == nil)
  }

  @Test func connectAck() {
    for code in 0...5 as ClosedRange<UInt8> {
      guard
        case .packet(.connectAck(let answer), 4) = decode([0x20, 2, 0, code], from: .server)
      else {
        Issue.record("return code \(code)")
        continue
      }
      #expect(answer.returnCode.rawValue == code && !answer.sessionPresent)
    }
    // In 3.1 the first byte means nothing, whatever is in it.
    let old = decode([0x20, 2, 0xFF, 0], from: .server, level: .v31)
    #expect(old == decode([0x20, 2, 1, 0], from: .server, level: .v311))
  }

  /// Every truncation asks for more, whatever follows is left alone.
  @Test(arguments: samples) func everyTruncationAsksForMore(sample: Sample) {
    let whole = decode(sample.bytes, from: sample.sender, level: sample.level)
    for count in 0..<sample.bytes.count {
      let part = Array(sample.bytes[..<count])
      #expect(decode(part, from: sample.sender, level: sample.level) == .incomplete)
    }
    guard case .packet(_, let size) = whole else {
      Issue.record("\(whole)")
      return
    }
    #expect(size == sample.bytes.count)
    #expect(decode(sample.bytes + [0xFF], from: sample.sender, level: sample.level) == whole)
  }

  /// A body that is one byte shorter or longer than its fields is refused, unless the missing or
  /// additional byte can be payload or a return code.
  @Test(arguments: samples) func missingAndTrailingBodyBytesAreRefused(sample: Sample) {
    let isOpenEnded = sample.name.hasPrefix("PUBLISH") || sample.name == "SUBACK"
    guard !isOpenEnded else { return }
    var longer = sample.bytes + [0x00]
    longer[1] += 1
    #expect(isRefused(longer, sample))
    guard sample.bytes[1] > 0 else { return }
    var shorter = Array(sample.bytes.dropLast())
    shorter[1] -= 1
    #expect(isRefused(shorter, sample))
  }

  /// With a whole stream in one piece or byte by byte, the same packets come out.
  @Test func streamByteByByte() {
    for (sender, level) in [(Role.client, ProtocolLevel.v311), (.server, .v311), (.server, .v31)] {
      let parts = samples.filter { $0.sender == sender && $0.level == level }.map(\.bytes)
      var queue: [UInt8] = []
      var found: [[UInt8]] = []
      for byte in parts.joined() {
        queue.append(byte)
        guard case .packet(_, let size) = decode(queue, from: sender, level: level) else {
          continue
        }
        found.append(Array(queue[..<size]))
        queue.removeFirst(size)
      }
      #expect(found == parts && queue.isEmpty)
    }
  }

  /// Flipping each bit gives a packet, a wait or a refusal; fields never reach beyond the packet.
  @Test(arguments: samples) func flippedBitsNeverTrap(sample: Sample) {
    for index in sample.bytes.indices {
      for bit in 0..<8 {
        var bytes = sample.bytes
        bytes[index] ^= 1 << bit
        _ = decode(bytes, from: sample.sender, level: sample.level)
        _ = decode(bytes, from: .client, level: .v31)
        _ = decode(bytes, from: .server, level: .v311)
      }
    }
  }

  private func isRefused(_ bytes: [UInt8], _ sample: Sample) -> Bool {
    guard case .refused = decode(bytes, from: sample.sender, level: sample.level) else {
      return false
    }
    return true
  }
}
