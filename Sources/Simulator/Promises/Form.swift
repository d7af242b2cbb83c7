import Broker
import Core

/// How messages of each topic are published, so that who subscribes later is told what holds, and nothing
/// that has passed.
enum Form {
  /// What is wrong with a message's QoS and retain flag; `topic` is what follows the device's prefix.
  static func mistake(in message: Message, topic: Span<UInt8>) -> String? {
    let isHealth = topic.equals("diag")
    let isKept = isHealth || topic.equals("status") || topic.extracting(first: 6).equals("state/")
    guard message.retain == isKept else {
      return "\(String(copying: topic)) is \(isKept ? "not " : "")retained"
    }
    guard message.qos == (isHealth ? .atMostOnce : .atLeastOnce) else {
      return "\(String(copying: topic)) came at QoS \(message.qos.rawValue)"
    }
    return nil
  }
}

extension String {
  /// The text that these bytes are in UTF-8.
  init(copying bytes: Span<UInt8>) {
    self.init(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
  }
}
