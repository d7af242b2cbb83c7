import Core
import JSON

/// Everything that a text consists of, one word a token; or its fault and where that shows.
func tokens(_ text: String) -> String { tokens([UInt8](text.utf8)) }

func tokens(_ bytes: [UInt8]) -> String {
  var words: [String] = []
  var reader = JSONReader()
  do {
    while let token = try reader.next(in: bytes.span) { words.append(word(token, bytes)) }
    return words.joined(separator: " ")
  } catch {
    words.append("\(error.fault)@\(error.offset)")
    return words.joined(separator: " ")
  }
}

/// The fault of a text and where it shows, or "none".
func fault(_ text: String) -> String { fault([UInt8](text.utf8)) }

func fault(_ bytes: [UInt8]) -> String {
  var reader = JSONReader()
  do {
    while try reader.next(in: bytes.span) != nil {}
    return "none"
  } catch {
    return "\(error.fault)@\(error.offset)"
  }
}

func string(_ text: JSONText, _ bytes: [UInt8]) -> String {
  let decoded = [UInt8](capacity: text.count) { out in text.decode(into: &out, in: bytes.span) }
  return String(decoding: decoded, as: UTF8.self)
}

/// The value of a text that is one number, and nothing else.
func number(_ text: String) -> JSONNumber? {
  let bytes = [UInt8](text.utf8)
  var reader = JSONReader()
  do {
    guard case .number(let number)? = try reader.next(in: bytes.span),
      case nil = try reader.next(in: bytes.span)
    else { return nil }
    return number
  } catch {
    return nil
  }
}

/// What `append` writes.
func written(capacity: Int = 256, _ append: (inout OutputSpan<UInt8>) -> Void) -> String {
  String(decoding: [UInt8](capacity: capacity, initializingWith: append), as: UTF8.self)
}

private func word(_ token: JSONToken, _ bytes: [UInt8]) -> String {
  switch token {
  case .beginObject: "{"
  case .endObject: "}"
  case .beginArray: "["
  case .endArray: "]"
  case .key(let text): string(text, bytes) + ":"
  case .string(let text): "'" + string(text, bytes) + "'"
  case .number(let number): number.whole.map { "\($0)" } ?? "\(number.value)"
  case .bool(let value): "\(value)"
  case .null: "null"
  }
}
