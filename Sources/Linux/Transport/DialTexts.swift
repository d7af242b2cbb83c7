import Core
import Dialing

/// The strings of one way to a broker, copied once at start.
struct DialTexts: ~Copyable {
  private var bytes: Table<UInt8>

  /// Copies the texts of `spec`, which are places in `source`, and has them point at the copies.
  init(_ spec: inout DialSpec, from source: Span<UInt8>, arena: inout Arena) {
    var count = 0
    spec.forEachText { count += Int($0.count) }
    var table: Table<UInt8> = arena.table(
      "strings of the way to the broker", count: count, filledWith: 0)
    var offset = 0
    if !arena.isMeasuring {
      spec.forEachText { text in
        let start = offset
        offset += table.fill(from: start) { out in
          out.append(contentsOf: source.extracting(text.range))
        }
        text = Text(start..<offset)
      }
    }
    bytes = table
  }

  /// Lends the bytes of `text`.
  func withBytes<R: ~Copyable, E: Error>(
    of text: Text, _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    try bytes.withSpan(from: Int(text.offset), count: Int(text.count), body)
  }
}
