import Foundation

/// A message as it goes to the broker.
struct Message {
  var topic: String
  var payload: String
  var isRetained: Bool

  init(topic: [UInt8], payload: [UInt8], isRetained: Bool) {
    self.topic = String(decoding: topic, as: UTF8.self)
    self.payload = String(decoding: payload, as: UTF8.self)
    self.isRetained = isRetained
  }

  /// The members of a reading or a result, by another reader of JSON than ours; nil for no JSON.
  var members: Members? { try? JSONDecoder().decode(Members.self, from: Data(payload.utf8)) }

  /// The readings of a pack; nil for no JSON.
  var pack: Pack? { try? JSONDecoder().decode(Pack.self, from: Data(payload.utf8)) }

  /// Topic below the device, and what tells readings from each other: `state/door true #1`.
  var line: String {
    guard let members else { return "\(topic) is not JSON: \(payload)" }
    let value = members.v.map { "\($0)" } ?? "null"
    if let result = members.result {
      return "result \(result) \(members.reason ?? value)"
    }
    let quality = members.q == "good" ? "" : " \(members.why ?? "?")"
    return "\(topic.dropFirst("base/dev/".count)) \(value)\(quality) #\(members.seq ?? 0)"
  }
}

/// A pack of late readings.
struct Pack: Decodable {
  var historical: Bool
  var readings: [Members]
}

/// What a reading or a result may say.
struct Members: Decodable {
  enum Value: Decodable, Equatable, CustomStringConvertible {
    case bool(Bool)
    case number(Double)

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if let bool = try? value.decode(Bool.self) {
        self = .bool(bool)
      } else {
        self = .number(try value.decode(Double.self))
      }
    }

    var description: String {
      switch self {
      case .bool(let bool): "\(bool)"
      case .number(let number): "\(number)"
      }
    }
  }

  var v: Value?
  var u: String?
  var t: String?
  var q: String?
  var why: String?
  var seq: Int?
  var tq: String?
  var p: String?
  var k: String?
  var id: String?
  var point: String?
  var result: String?
  var reason: String?
}
