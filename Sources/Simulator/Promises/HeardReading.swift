import Core
import JSON

/// A reading, as somebody who subscribes sees it.
struct HeardReading {
  var point: [UInt8] = []
  var isEvent = false
  /// Its number in its run, and which run that is: nil for the present one.
  var number: UInt32 = 0
  var run: UInt32?
  /// How many readings it stands for.
  var count: UInt32 = 1

  /// The readings in a payload: one, or the list of a history. Nil when it is not what we say.
  static func all(in payload: [UInt8]) -> [HeardReading]? {
    var reader = JSONReader()
    var found: [HeardReading] = []
    do throws(JSONError) {
      guard case .beginObject? = try reader.next(in: payload.span) else { return nil }
      var single = HeardReading()
      while let token = try reader.next(in: payload.span) {
        guard case .key(let key) = token else { break }
        if key.equals("readings", in: payload.span) {
          guard case .beginArray? = try reader.next(in: payload.span) else { return nil }
          while case .beginObject? = try reader.next(in: payload.span) {
            var reading = HeardReading()
            while case .key(let key)? = try reader.next(in: payload.span) {
              try reading.take(key, &reader, payload.span)
            }
            found.append(reading)
          }
        } else {
          try single.take(key, &reader, payload.span)
        }
      }
      if found.isEmpty { found = [single] }
    } catch {
      return nil
    }
    return found.allSatisfy { $0.number > 0 } ? found : nil
  }

  private mutating func take(
    _ key: JSONText, _ reader: inout JSONReader, _ text: Span<UInt8>
  ) throws(JSONError) {
    let token = try reader.next(in: text)
    switch token {
    case .beginObject?, .beginArray?: try reader.skipContainer(in: text)
    case .string(let value)?:
      if key.equals("p", in: text) {
        point = value.withBytes(in: text) { bytes in bytes.indices.map { bytes[$0] } }
      } else if key.equals("k", in: text) {
        isEvent = value.equals("event", in: text)
      }
    case .number(let value)?:
      let whole = UInt32(clamping: Int(value.value))
      if key.equals("seq", in: text) {
        number = whole
      } else if key.equals("n", in: text) {
        count = whole
      } else if key.equals("run", in: text) {
        run = whole
      }
    default: break
    }
  }
}
