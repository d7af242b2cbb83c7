import Broker

/// How messages of each topic are published, so that who subscribes later is told what holds, and nothing
/// that has passed.
enum Form {
  /// What is wrong with a message's QoS and retain flag; `topic` is what follows the device's prefix.
  static func mistake(in message: Message, topic: [UInt8]) -> String? {
    let isHealth = topic.elementsEqual("diag".utf8)
    let isKept = isHealth || topic.elementsEqual("status".utf8) || topic.starts(with: "state/".utf8)
    guard message.retain == isKept else {
      return "\(String(decoding: topic, as: UTF8.self)) is \(isKept ? "not " : "")retained"
    }
    guard message.qos == (isHealth ? .atMostOnce : .atLeastOnce) else {
      return "\(String(decoding: topic, as: UTF8.self)) came at QoS \(message.qos.rawValue)"
    }
    return nil
  }
}
