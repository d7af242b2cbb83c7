import Core
import JSON

/// A reading, as somebody who subscribes sees it.
struct HeardReading {
  /// The place of its point in the profile; nil when it is none that there is.
  var place: Int?
  var isEvent = false
  /// Its number in its run, and which run that is: nil for the present one.
  var number: UInt32 = 0
  var run: UInt32?
  /// How many readings it stands for.
  var count: UInt32 = 1

  /// Puts the readings in a payload into `found`: one, or the list of a history. False when it is not what
  /// we say. `place` knows the points by their names.
  static func read(
    _ payload: Span<UInt8>, into found: inout [HeardReading], _ place: (Span<UInt8>) -> Int?
  ) -> Bool {
    found.removeAll(keepingCapacity: true)
    var reader = JSONReader()
    do throws(JSONError) {
      guard case .beginObject? = try reader.next(in: payload) else { return false }
      var single = HeardReading()
      while let token = try reader.next(in: payload) {
        guard case .key(let key) = token else { break }
        if key.equals("readings", in: payload) {
          guard case .beginArray? = try reader.next(in: payload) else { return false }
          while case .beginObject? = try reader.next(in: payload) {
            var reading = HeardReading()
            while case .key(let key)? = try reader.next(in: payload) {
              try reading.take(key, &reader, payload, place)
            }
            found.append(reading)
          }
        } else {
          try single.take(key, &reader, payload, place)
        }
      }
      if found.isEmpty { found.append(single) }
    } catch {
      return false
    }
    return found.allSatisfy { $0.number > 0 }
  }

  private mutating func take(
    _ key: JSONText, _ reader: inout JSONReader, _ text: Span<UInt8>,
    _ placeOf: (Span<UInt8>) -> Int?
  ) throws(JSONError) {
    let token = try reader.next(in: text)
    switch token {
    case .beginObject?, .beginArray?: try reader.skipContainer(in: text)
    case .string(let value)?:
      if key.equals("p", in: text) {
        place = value.withBytes(in: text) { placeOf($0) }
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
