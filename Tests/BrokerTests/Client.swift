import Broker
import Core
import MQTT

/// One end of a transport, played by the test.
final class Client {
  let bench: Bench
  let id: ConnectionID
  let level: ProtocolLevel
  /// What was taken and decoded already.
  var held: [Received] = []
  private var input: [UInt8] = []

  init(_ bench: Bench, _ id: ConnectionID, _ level: ProtocolLevel) {
    self.bench = bench
    self.id = id
    self.level = level
  }

  /// True when the broker wants the transport to be closed, or does not know it any more.
  var isClosed: Bool { bench.isFinished(id) }

  /// Bytes that the broker has for this client.
  var outputCount: Int { bench.outputCount(of: id) }

  func send(_ bytes: [UInt8]) { bench.receive(bytes, from: id) }

  /// The transport breaks.
  func cut() { bench.close(id) }

  /// Everything that the broker has to say, or what of it is whole after `limit` bytes.
  func take(limit: Int = .max) -> [Received] {
    var left = limit
    while left > 0 {
      let bytes = bench.output(of: id, limit: left)
      if bytes.isEmpty { break }
      left -= bytes.count
      input += bytes
    }
    defer { held = [] }
    return held + decodeAll(&input, level: level)
  }

  /// Everything; each message at QoS 1 and 2 is acknowledged to its end.
  func takeAndAcknowledge() -> [Received] {
    var all: [Received] = []
    while true {
      let some = take()
      if some.isEmpty { return all }
      all += some
      for item in some { acknowledge(item) }
    }
  }

  /// Answers what asks for an answer.
  func acknowledge(_ item: Received) {
    switch item {
    case .message(_, _, .atLeastOnce, let id, _, _): send(answerBytes(.publishAck, id))
    case .message(_, _, .exactlyOnce, let id, _, _): send(answerBytes(.publishReceived, id))
    case .answer(.publishRelease, let id): send(answerBytes(.publishComplete, id))
    case .message, .answer, .connectAck, .subscribeAck, .pingResponse: break
    }
  }

  /// The payloads of what has come, each message acknowledged.
  func payloads() -> [String] {
    takeAndAcknowledge().compactMap { item in
      if case .message(_, let payload, _, _, _, _) = item { payload } else { nil }
    }
  }

  func publish(
    _ topic: String, _ payload: String, _ qos: QoS = .atMostOnce, id: UInt16 = 0,
    retain: Bool = false, dup: Bool = false
  ) {
    send(publishBytes(topic, payload, qos, id: id, retain: retain, dup: dup, level: level))
  }

  func subscribe(_ filter: String, _ qos: QoS, id: UInt16 = 1) {
    send(subscribeBytes([(filter, qos)], id: id, level: level))
  }

  func disconnect() { send([0xE0, 0]) }
}
