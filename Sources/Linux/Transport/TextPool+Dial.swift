import Core
import Dialing

extension TextPool {
  /// A pool of the texts of `spec` alone, which are places in `source`; they become places in the
  /// pool.
  init(of spec: inout DialSpec, in source: Span<UInt8>, arena: inout Arena) {
    var original = spec
    var count = 0
    spec.forEachText { text in
      let place = Text(count..<count + Int(text.count))
      count += Int(text.count)
      if !text.isEmpty { text = place }
    }
    self.init("strings of the way to the broker", count: count, arena: &arena) { out in
      original.forEachText { text in out.append(contentsOf: source.extracting(text.range)) }
    }
  }
}
