import Core
import JSON
import Uplink

/// What a point is now, for who asks the agent on its board.
///
///     {"p":"air","kind":"sensor","v":21.4,"u":"Cel","t":"...","tq":"synced","q":"good","seq":7,"age":3.2}
extension Points {
  /// Appends point `index` as an object: the members of a state message, with its name, its kind, how long
  /// ago that was read (of a line: since when it is so), and for one with events how many there were.
  public func append(
    point index: Int, at moment: Moment, to out: inout OutputSpan<UInt8>
  ) {
    let point = points[index]
    let state = states[index]
    out.append(literal: "{\"p\":")
    texts.withBytes(of: point.name) { name in out.append(jsonString: name) }
    out.append(literal: ",\"kind\":\"")
    out.append(literal: point.kind.word)
    out.append(literal: "\",")
    guard state.known else {
      return out.append(literal: "\"v\":null,\"q\":\"bad\",\"why\":\"unread\"}")
    }
    let reading = ReadingRecord(
      kind: .state, point: index, quality: state.quality, sequence: state.stateSequence,
      instant: state.readAt, value: state.value)
    append(reading, of: point, at: moment, to: &out)
    if point.report.event {
      out.append(literal: ",\"events\":")
      out.append(digits: UInt64(wide: state.eventSequence), width: 1)
    }
    out.append(seconds: moment.instant - state.readAt, as: "age")
    out.append(UInt8(ascii: "}"))
  }

  /// The most bytes that `append(point:)` takes for point `index`.
  public func statusBytesMax(_ index: Int) -> Int {
    texts.withAll { Self.statusBytesMax(of: points[index], texts: $0) }
  }

  /// The most bytes that `append(point:)` takes for a point with strings in `texts`.
  public static func statusBytesMax(of point: PointSpec, texts: Span<UInt8>) -> Int {
    // {"p":,"kind":"counter","v":<32>,"u":,"t":"<24>","tq":"estimated","q":"bad","why":"out-of-range",
    // "seq":<10>,"events":<10>,"age":<24>}
    let fixed = 216
    return fixed + texts.extracting(point.name.range).jsonStringBytesMax
      + texts.extracting(point.unit.range).jsonStringBytesMax
  }
}

extension PointKind {
  /// The kind in one word, as profiles have it.
  var word: StaticString {
    switch self {
    case .input: "input"
    case .counter: "counter"
    case .sensor: "sensor"
    case .output: "output"
    }
  }
}

extension OutputSpan<UInt8> {
  /// Appends `,"name":12.345`: a length of time in seconds, 24 bytes at most; nothing below zero.
  @_lifetime(self: copy self)
  public mutating func append(seconds length: Interval, as name: StaticString) {
    // Without a Double, into which a 32-bit CPU converts 64 bits by way of the heap.
    let milliseconds = UInt64(bitPattern: max(0, length.milliseconds))
    append(literal: ",\"")
    append(literal: name)
    append(literal: "\":")
    append(digits: milliseconds / 1000, width: 1)
    append(literal: ".")
    append(digits: milliseconds % 1000, width: 3)
  }
}
