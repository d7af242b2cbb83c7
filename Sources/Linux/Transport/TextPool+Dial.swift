import Core
import Dialing

extension TextPool {
  /// A pool of the texts of `spec` alone, which are places in `source`; they become places in the
  /// pool. `reserve` becomes a place of `reserveBytes` for a text that is not known yet.
  init(
    of spec: inout DialSpec, in source: Span<UInt8>, reserve: inout Text, reserveBytes: Int,
    arena: inout Arena
  ) {
    var original = spec
    var count = 0
    spec.forEachText { text in
      let place = Text(count..<count + Int(text.count))
      count += Int(text.count)
      if !text.isEmpty { text = place }
    }
    reserve = Text(count..<count + reserveBytes)
    self.init("strings of the way to the broker", count: count + reserveBytes, arena: &arena) {
      out in
      original.forEachText { text in out.append(contentsOf: source.extracting(text.range)) }
      for _ in 0..<reserveBytes { out.append(0) }
    }
  }
}
