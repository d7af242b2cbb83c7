import Core
import JSON
import MQTT

/// A message as JSON, with mosquitto_sub's names.
extension ReceivedMessage {
  /// The whole object; nil when the payload is to stand in it as it is and is no JSON.
  func json(at time: PrintedTime, quotesPayload: Bool) -> [UInt8]? {
    guard quotesPayload || Self.isJSON(payload) else { return nil }
    var out = Array("{\"tst\":\"".utf8) + time.precise + Array("\",\"topic\":".utf8)
    out += Self.quoted(topic)
    out += Array(",\"qos\":\(qos.rawValue),\"retain\":\(retain ? 1 : 0)".utf8)
    out += Array(",\"payloadlen\":\(payload.count)".utf8)
    if qos != .atMostOnce { out += Array(",\"mid\":\(packetID)".utf8) }
    appendProperties(to: &out)
    out += Array(",\"payload\":".utf8)
    out += quotesPayload ? Self.quoted(payload) : payload
    out.append(UInt8(ascii: "}"))
    return out
  }

  private func appendProperties(to out: inout [UInt8]) {
    var members: [[UInt8]] = []
    var users: [[UInt8]] = []
    forEachProperty { id, number, name, text in
      let key = Array("\"\(PropertyNames.name(of: id))\":".utf8)
      switch id.form {
      case .byte, .twoBytes, .fourBytes, .variable:
        members.append(key + Array(String(number).utf8))
      case .text, .topicName, .binary: members.append(key + Self.quoted(text))
      case .pair: users.append(Self.quoted(name) + [UInt8(ascii: ":")] + Self.quoted(text))
      }
    }
    guard !members.isEmpty || !users.isEmpty else { return }
    let comma = [UInt8(ascii: ",")]
    if !users.isEmpty {
      members.insert(
        Array("\"user-properties\":{".utf8) + users.joined(separator: comma)
          + [UInt8(ascii: "}")],
        at: 0)
    }
    out += Array(",\"properties\":{".utf8) + members.joined(separator: comma)
    out.append(UInt8(ascii: "}"))
  }

  /// A string of JSON; bytes that are no UTF-8 become U+FFFD.
  private static func quoted(_ bytes: [UInt8]) -> [UInt8] {
    var out = [UInt8(ascii: "\"")]
    for byte in String(decoding: bytes, as: UTF8.self).utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), byte]
      case UInt8(ascii: "\n"): out += Array("\\n".utf8)
      case UInt8(ascii: "\r"): out += Array("\\r".utf8)
      case UInt8(ascii: "\t"): out += Array("\\t".utf8)
      case 0..<0x20:
        let digits = String(byte, radix: 16)
        out += Array("\\u00\(digits.count == 1 ? "0" : "")\(digits)".utf8)
      default: out.append(byte)
      }
    }
    out.append(UInt8(ascii: "\""))
    return out
  }

  private static func isJSON(_ bytes: [UInt8]) -> Bool {
    var reader = JSONReader()
    let text = bytes.span
    do throws(JSONError) {
      while try reader.next(in: text) != nil {}
      return true
    } catch {
      return false
    }
  }
}
