/// The longest name or message that a page shows; what is longer ends with an ellipsis.
private let charactersMax = 300

extension String {
  /// The text made safe to stand in HTML, as content or between double quotes. What may come from a
  /// stranger's profile goes through here: no tag, no attribute, no control character gets past it.
  var escaped: String {
    var text = ""
    for scalar in prefix(charactersMax).unicodeScalars {
      switch scalar {
      case "&": text += "&amp;"
      case "<": text += "&lt;"
      case ">": text += "&gt;"
      case "\"": text += "&quot;"
      case "'": text += "&#39;"
      case "\t", "\n": text.unicodeScalars.append(scalar)
      case "\0"..."\u{1F}", "\u{7F}"..."\u{9F}": text += "\u{FFFD}"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return dropFirst(charactersMax).isEmpty ? text : text + "…"
  }

  /// The escaped text, which cannot turn the direction of what stands around it.
  var isolated: String { "<bdi>\(escaped)</bdi>" }

  /// The text as one word of a POSIX shell.
  var shellWord: String {
    let plain = utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "._/-+:,@%".utf8.contains(byte)
      }
    }
    if plain && !isEmpty { return self }
    return "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
      + "'"
  }
}
