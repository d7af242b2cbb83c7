import Broker
import Core
import MQTT

/// One end of a transport, played by the test in 5.0.
final class V5Client {
  let bench: Bench
  let id: ConnectionID
  /// As CONNECT says: answers with reason strings are nonsense otherwise.
  var wantsProblemInformation = true
  /// The reason string of the last packet that was taken.
  private(set) var reasonString: String?
  /// Bytes of the longest packet that has come.
  private(set) var longestPacket = 0
  /// The topics that the broker has given numbers.
  private var aliases: [UInt32: String] = [:]
  private var input: [UInt8] = []

  init(_ bench: Bench) {
    self.bench = bench
    id = bench.open().id
  }

  /// True when the broker wants the transport to be closed, or does not know it any more.
  var isClosed: Bool { bench.isFinished(id) }

  func send(_ bytes: [UInt8]) { bench.receive(bytes, from: id) }

  /// The transport breaks.
  func cut() { bench.close(id) }

  /// Everything that the broker has to say, or the first `limit` packets of it. A topic that a number
  /// stands for is put in its place.
  func take(limit: Int = .max) -> [V5Received] {
    while true {
      let bytes = bench.output(of: id)
      if bytes.isEmpty { break }
      input += bytes
    }
    return decode(limit: limit)
  }

  /// The first whole packets of what has come, and of `bytes` behind it.
  func decode(_ bytes: [UInt8] = [], limit: Int = .max) -> [V5Received] {
    input += bytes
    var all: [V5Received] = []
    while all.count < limit,
      let decoded = decodeV5(input, problemInformation: wantsProblemInformation)
    {
      reasonString = Self.reasonString(decoded.packet, input)
      all.append(resolve(received(decoded.packet, input)))
      input.removeFirst(decoded.size)
      longestPacket = max(longestPacket, decoded.size)
    }
    return all
  }

  private static func reasonString(_ packet: V5.Packet, _ bytes: [UInt8]) -> String? {
    let list: V5.Properties
    switch packet {
    case .connectAck(let answer): list = answer.properties
    case .publishAck(let answer), .publishReceived(let answer): list = answer.properties
    case .publishRelease(let answer), .publishComplete(let answer): list = answer.properties
    case .subscribeAck(let answer): list = answer.properties
    case .disconnect(let last): list = last.properties
    default: return nil
    }
    guard let field = list.text(.reasonString, in: bytes.span) else { return nil }
    return String(
      decoding: bytes[field.offset..<field.offset + field.count], as: UTF8.self)
  }

  private func resolve(_ item: V5Received) -> V5Received {
    guard
      case .message(var topic, let payload, let qos, let id, let retain, let dup, let list) = item
    else { return item }
    for case .number(.topicAlias, let alias) in list {
      if topic.isEmpty { topic = aliases[alias] ?? "?" } else { aliases[alias] = topic }
    }
    return .message(topic, payload, qos, id: id, retain: retain, dup: dup, list)
  }

  /// Everything; each message at QoS 1 and 2 is acknowledged to its end.
  func takeAndAcknowledge() -> [V5Received] {
    var all: [V5Received] = []
    while true {
      let some = take()
      if some.isEmpty { return all }
      all += some
      for item in some { acknowledge(item) }
    }
  }

  /// Answers what asks for an answer.
  func acknowledge(_ item: V5Received) {
    switch item {
    case .message(_, _, .atLeastOnce, let id, _, _, _):
      send(publishAnswerV5Bytes(.publishAck, id))
    case .message(_, _, .exactlyOnce, let id, _, _, _):
      send(publishAnswerV5Bytes(.publishReceived, id))
    case .publishRelease(let id, _): send(releaseAnswerV5Bytes(.publishComplete, id))
    default: break
    }
  }

  /// The payloads of what has come, each message acknowledged.
  func payloads() -> [String] { takeAndAcknowledge().compactMap(\.payload) }

  func publish(
    _ topic: String, _ payload: String, _ qos: QoS = .atMostOnce, id: UInt16 = 0,
    retain: Bool = false, _ properties: [Property] = []
  ) {
    send(publishV5Bytes(topic, payload, qos, id: id, retain: retain, properties))
  }

  func publish(
    _ topic: String, _ payload: String, retain: Bool = false, _ properties: [Property]
  ) {
    publish(topic, payload, .atMostOnce, retain: retain, properties)
  }

  /// Subscribes and takes the answer, which comes first.
  func subscribe(
    _ filter: String, _ options: V5.SubscriptionOptions, id: UInt16 = 1, identifier: UInt32? = nil
  ) -> [V5Received] {
    let list = identifier.map { [Property.number(.subscriptionIdentifier, $0)] } ?? []
    send(subscribeV5Bytes([(filter, options)], id: id, list))
    let answer = take()
    precondition(
      answer.first == .subscribeAck(id, [V5.SubscribeReason(granting: options.qos)]), "granted")
    return Array(answer.dropFirst())
  }
}

extension Bench {
  /// A client of 5.0 that the broker has accepted; its CONNACK is taken.
  func connectV5(
    _ name: String, cleanStart: Bool = true, keepAlive: UInt16 = 0, _ properties: [Property] = [],
    will: V5TestWill? = nil
  ) -> V5Client {
    let client = V5Client(self)
    client.wantsProblemInformation = !properties.contains(.number(.requestProblemInformation, 0))
    client.send(
      connectV5Bytes(name, cleanStart: cleanStart, keepAlive: keepAlive, properties, will: will))
    guard case .connectAck(.success, _, _)? = client.take(limit: 1).first else {
      preconditionFailure("accepted")
    }
    return client
  }

  /// A client of 5.0 that is subscribed to one filter; its answers are taken.
  func subscriberV5(
    _ name: String, _ filter: String, _ options: V5.SubscriptionOptions, identifier: UInt32? = nil,
    cleanStart: Bool = true, _ properties: [Property] = []
  ) -> V5Client {
    let client = connectV5(name, cleanStart: cleanStart, properties)
    _ = client.subscribe(filter, options, identifier: identifier)
    return client
  }

  /// What a CONNECT of 5.0 is answered with, on a transport of its own.
  func answer(to connect: [UInt8]) -> [V5Received] {
    let client = V5Client(self)
    client.send(connect)
    let answer = client.take()
    client.cut()
    return answer
  }
}
