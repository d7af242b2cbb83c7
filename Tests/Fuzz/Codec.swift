// modules: Core MQTT
// with: Tests/MQTTTests/Wire/V5/V5Rewriting.swift
import Core
import MQTT

nonisolated(unsafe) private let memory = UnsafeMutableRawBufferPointer.allocate(
  byteCount: 1 << 14, alignment: Arena.alignment)

/// Any bytes are a packet, the beginning of one, or refused; and a PUBLISH, or any packet of 5.0,
/// that was taken is written again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = UnsafeBufferPointer(start: start, count: count).span
  for (sender, level) in [(Role.client, ProtocolLevel.v31), (.client, .v311), (.server, .v311)] {
    guard
      let decoded = try? Packet.decode(
        bytes, from: sender, level: level, packetBytesMax: 1 << 16)
    else { continue }
    precondition(decoded.size <= count)
    check(decoded.packet, bytes.extracting(0..<decoded.size), level)
  }
  for sender in [Role.client, .server] { checkV5(bytes, from: sender) }
  return 0
}

private func check(_ packet: Packet, _ bytes: Span<UInt8>, _ level: ProtocolLevel) {
  switch packet {
  case .subscribe(let subscribe):
    var walk = subscribe.walk
    while let request = walk.next(in: bytes) { precondition(isValidText(bytes[request.filter])) }
  case .unsubscribe(let unsubscribe):
    var walk = unsubscribe.walk
    while let filter = walk.next(in: bytes) { precondition(TopicFilter.isValid(bytes[filter])) }
  case .connect(let connect): precondition(isValidText(bytes[connect.clientID]))
  case .publish(let publish):
    var arena = Arena(over: memory)
    var again = ByteQueue("again", capacity: bytes.count, arena: &arena)
    do throws(EncodeError) {
      try again.append { (out) throws(EncodeError) in
        try Publish.encode(
          level: level, packetID: publish.packetID, qos: publish.qos, retain: publish.retain,
          dup: publish.dup, topic: bytes[publish.topic], payload: bytes[publish.payload],
          into: &out)
      }
    } catch { preconditionFailure("what was read can be written") }
    again.withBytes { again in precondition(again.equals(bytes)) }
  default: break
  }
}

/// What was taken of 5.0 is written again: in as many bytes or, where a packet has a shorter form,
/// in fewer; and from then on the same.
private func checkV5(_ bytes: Span<UInt8>, from sender: Role) {
  guard
    let decoded = try? V5.Packet.decode(bytes, from: sender, packetBytesMax: 1 << 16)
  else { return }
  let whole = bytes.extracting(0..<decoded.size)
  walk(decoded.packet, whole)
  var arena = Arena(over: memory)
  var once = ByteQueue("once", capacity: whole.count, arena: &arena)
  var twice = ByteQueue("twice", capacity: whole.count, arena: &arena)
  write(decoded.packet, whole, from: sender, into: &once)
  once.withBytes { once in
    precondition(once.count < whole.count || once.equals(whole))
    guard let again = try? V5.Packet.decode(once, from: sender, packetBytesMax: 1 << 16),
      again.size == once.count
    else { preconditionFailure("what was written can be read") }
    write(again.packet, once, from: sender, into: &twice)
    twice.withBytes { twice in precondition(twice.equals(once)) }
  }
}

private func write(
  _ packet: V5.Packet, _ bytes: Span<UInt8>, from sender: Role, into queue: inout ByteQueue
) {
  do throws(EncodeError) {
    try queue.append { (out) throws(EncodeError) in
      try rewrite(packet, bytes, from: sender, into: &out)
    }
  } catch { preconditionFailure("what was read can be written") }
}

private func walk(_ packet: V5.Packet, _ bytes: Span<UInt8>) {
  switch packet {
  case .connect(let packet):
    walk(packet.properties, bytes)
    if let will = packet.will { walk(will.properties, bytes) }
  case .connectAck(let packet): walk(packet.properties, bytes)
  case .publish(let packet): walk(packet.properties, bytes)
  case .publishAck(let packet), .publishReceived(let packet): walk(packet.properties, bytes)
  case .publishRelease(let packet), .publishComplete(let packet): walk(packet.properties, bytes)
  case .subscribe(let packet):
    var walk = packet.walk
    while let request = walk.next(in: bytes) {
      precondition(TopicFilter.isValidV5(bytes[request.filter]))
    }
  case .unsubscribe(let packet):
    var walk = packet.walk
    while let filter = walk.next(in: bytes) { precondition(TopicFilter.isValidV5(bytes[filter])) }
  case .disconnect(let packet): walk(packet.properties, bytes)
  case .authenticate(let packet): walk(packet.properties, bytes)
  case .subscribeAck, .unsubscribeAck, .pingRequest, .pingResponse: break
  }
}

private func walk(_ properties: V5.Properties, _ bytes: Span<UInt8>) {
  var walk = properties.walk
  var size = 0
  while let property = walk.next(in: bytes) {
    precondition(properties.contains(property.id))
    switch property.id.form {
    case .byte: size += 2
    case .twoBytes: size += 3
    case .fourBytes: size += 5
    case .variable: size += 1 + VarInt.size(of: Int(property.number))
    case .text, .topicName, .binary: size += 3 + bytes[property.text].count
    case .pair: size += 5 + bytes[property.name].count + bytes[property.text].count
    }
  }
  precondition(size == properties.field.count)
}
