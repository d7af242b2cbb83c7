import Core
import Device
import JSON
import Uplink

/// The losses of one point, as both reports have them.
enum LossText {
  /// The most bytes that they take, but for the point's name: two classes, of four counts each.
  static var bytesMax: Int { 224 }
}

extension LossLedger {
  /// Appends `,"losses":{"door":{"event":{"dropped":3}}}`: by point and class what did not go out as it
  /// was, without points that lost nothing; and `,"lossesMore":2` where so many points more have lost
  /// something, for which there is no room. Begins with the point `first`; returns the one that is first
  /// next time, so that all are told in turns.
  func append(
    of points: borrowing Points, from first: Int, to out: inout OutputSpan<UInt8>
  ) -> Int {
    out.append(literal: ",\"losses\":{")
    var isFirst = true
    var (next, leftOut) = (0, 0)
    for step in 0..<points.pointCount {
      let index = (first + step) % points.pointCount
      let readings = losses(series: index, events: false)
      let events = losses(series: index, events: true)
      guard !readings.isEmpty || !events.isEmpty else { continue }
      guard out.freeCapacity > 512 else {
        if leftOut == 0 { next = index }
        leftOut += 1
        continue
      }
      out.append(literal: isFirst ? "" : ",")
      points.texts.withBytes(of: points.name(index)) { out.append(jsonString: $0) }
      out.append(literal: ":{")
      if !readings.isEmpty { append(readings, of: points.keep(index).recordClass, to: &out) }
      if !readings.isEmpty && !events.isEmpty { out.append(literal: ",") }
      if !events.isEmpty { append(events, of: .event, to: &out) }
      out.append(literal: "}")
      isFirst = false
    }
    out.append(literal: "}")
    if leftOut > 0 { out.append(count: leftOut, as: "lossesMore") }
    return next
  }

  private func append(
    _ counts: LossCounts, of recordClass: RecordClass, to out: inout OutputSpan<UInt8>
  ) {
    out.append(literal: "\"")
    out.append(literal: recordClass.word)
    out.append(literal: "\":{\"dropped\":")
    out.append(digits: UInt64(wide: counts.dropped), width: 1)
    if counts.thinned > 0 { out.append(count: counts.thinned, as: "thinned") }
    if counts.expired > 0 { out.append(count: counts.expired, as: "expired") }
    if counts.replaced > 0 { out.append(count: counts.replaced, as: "replaced") }
    out.append(literal: "}")
  }
}
