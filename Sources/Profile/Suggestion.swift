/// "Did you mean": the known word that is nearest to a misspelt one.
enum Suggestion {
  /// ` (did you mean "debounce"?)`, or nothing when no word is near.
  static func text(for word: [UInt8], among known: [StaticString]) -> String {
    guard let nearest = nearest(to: word, among: known) else { return "" }
    return "; did you mean \"" + spelled(nearest) + "\"?"
  }

  static func nearest(to word: [UInt8], among known: [StaticString]) -> StaticString? {
    var best: StaticString?
    var bestDistance = max(1, word.count / 3) + 1
    for candidate in known {
      let distance = distance(word, bytes(candidate))
      if distance < bestDistance {
        best = candidate
        bestDistance = distance
      }
    }
    return best
  }

  /// Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`, letters
  /// of either case taken as one (Damerau-Levenshtein, restricted).
  static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    if a.count > 64 { return .max }
    let left = a.map(lower)
    let right = b.map(lower)
    var before: [Int] = []
    var previous = Array(0...right.count)
    for (i, letter) in left.enumerated() {
      var row = [i + 1]
      for (j, other) in right.enumerated() {
        var cost = min(previous[j + 1] + 1, row[j] + 1)
        cost = min(cost, previous[j] + (letter == other ? 0 : 1))
        if i > 0, j > 0, letter == right[j - 1], left[i - 1] == other {
          cost = min(cost, before[j - 1] + 1)
        }
        row.append(cost)
      }
      before = previous
      previous = row
    }
    return previous[right.count]
  }

  private static func lower(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
  }
}

/// The bytes of a literal.
package func bytes(_ literal: StaticString) -> [UInt8] {
  // Sound: a StaticString's bytes live as long as the program.
  unsafe [UInt8](UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
}

/// A literal as a string.
package func spelled(_ literal: StaticString) -> String {
  String(decoding: bytes(literal), as: UTF8.self)
}
