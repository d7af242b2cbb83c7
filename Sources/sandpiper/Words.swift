import Core
import Linux
import Profile

/// A text that is put together of pieces: `"\(path) has \(bytes) bytes"`.
///
/// `String` would do, but its interpolation and its `+` are inlined wherever they are used (Swift 6.3,
/// Embedded), which makes a sentence take a kilobyte of the program; here each piece is a call.
struct Words: ExpressibleByStringInterpolation {
  /// The text in UTF-8.
  private(set) var bytes: [UInt8]

  /// The text that `bytes` are.
  init(_ bytes: [UInt8] = []) { self.bytes = bytes }

  /// The text that `write` appends, of `bytesMax` bytes at most.
  @inline(never)
  init(upTo bytesMax: Int, _ write: (inout OutputSpan<UInt8>) -> Void) {
    bytes = [UInt8](capacity: bytesMax) { out in write(&out) }
  }

  /// A text in place.
  init<let capacity: Int>(_ text: FixedText<capacity>) {
    self.init(upTo: capacity) { out in text.write(into: &out) }
  }

  /// One piece.
  @inline(never)
  init(stringLiteral literal: StaticString) {
    bytes = []
    append(literal)
  }

  /// All pieces.
  init(stringInterpolation pieces: Pieces) { bytes = pieces.words.bytes }

  /// True when there are no bytes.
  var isEmpty: Bool { bytes.isEmpty }

  /// The text as it may be shown: what others have chosen may hold anything, and nothing of it is to move a
  /// terminal's cursor.
  var printable: Words {
    Words(bytes.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 })
  }

  /// Appends another text.
  @inline(never)
  mutating func append(_ other: Words) { bytes += other.bytes }

  @inline(never)
  fileprivate mutating func append(_ literal: StaticString) {
    withBytes(of: literal) { text in
      for index in text.indices { bytes.append(text[index]) }
    }
  }

  @inline(never)
  fileprivate mutating func append(_ number: Int64) {
    append(Words(upTo: 20) { out in out.append(decimal: number) })
  }

  /// The pieces so far.
  struct Pieces: StringInterpolationProtocol {
    fileprivate var words = Words()

    @inline(never)
    init(literalCapacity: Int, interpolationCount: Int) {}

    mutating func appendLiteral(_ literal: StaticString) { words.append(literal) }

    mutating func appendInterpolation(_ other: Words) { words.append(other) }

    mutating func appendInterpolation(_ number: Int64) { words.append(number) }

    mutating func appendInterpolation(_ number: Int) { words.append(Int64(wide: number)) }

    /// Words that the lower modules have.
    mutating func appendInterpolation(literal: StaticString) { words.append(literal) }
  }
}

extension Configuration {
  /// The string at `text`.
  @inline(never)
  func words(_ text: Text) -> Words { Words([UInt8](texts[text.range])) }
}

/// The first names of a list, and how many more there are.
struct NameList {
  private var first = Words()
  private var count = 0

  /// True when there are none.
  var isEmpty: Bool { count == 0 }

  /// One more.
  mutating func append(_ name: Words) {
    count += 1
    if count <= 4 { first.append("\(count > 1 ? ", " : "")\(name)") }
  }

  /// Up to four of them by name.
  var words: Words { count > 4 ? "\(first) and \(count - 4) more" : first }
}
