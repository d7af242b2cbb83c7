import Core
import JSON

/// One object of the profile, read name by name; what is left over at the end is unknown.
package struct ObjectReader {
  package let offset: Int
  package let pointer: String
  /// False for a value of another kind, of which that alone is told.
  private let isObject: Bool
  private var members: [ProfileMember]
  private var known: [StaticString] = []

  /// The members of `node`, or none, with a problem, when it is no object.
  package init(_ node: ProfileNode, pointer: String, _ problems: inout [ProfileProblem]) {
    offset = node.offset
    self.pointer = pointer
    if case .object(let members) = node.value {
      isObject = true
      self.members = members
    } else {
      isObject = false
      members = []
      problems.append(
        ProfileProblem(
          isWarning: false, offset: node.offset, pointer: pointer,
          message: "expected an object, found " + node.found))
    }
  }

  /// The names and values, for objects whose names are the user's.
  package var entries: [ProfileMember] { members }

  /// True for an object without members.
  package var isEmpty: Bool { isObject && members.isEmpty }

  package func path(_ key: StaticString) -> String { pointer + "/" + spelled(key) }

  package func contains(_ key: StaticString) -> Bool {
    let name = bytes(key)
    return members.contains { $0.key == name }
  }

  /// True when this is an object in which `key` does not stand.
  package func lacks(_ key: StaticString) -> Bool { isObject && !contains(key) }

  /// Takes the member `key`, if it is there.
  package mutating func take(_ key: StaticString) -> ProfileMember? {
    known.append(key)
    let name = bytes(key)
    guard let index = members.firstIndex(where: { $0.key == name }) else { return nil }
    return members.remove(at: index)
  }

  /// Takes a member of which nothing can be said.
  mutating func take(unchecked name: [UInt8]) -> ProfileMember? {
    guard let index = members.firstIndex(where: { $0.key == name }) else { return nil }
    return members.remove(at: index)
  }

  /// Names that belong to others of its kind are a problem of their own: "outputs have" no such name.
  package mutating func refuse(
    _ names: [StaticString], of others: String, _ problems: inout [ProfileProblem]
  ) {
    for name in names where !known.contains(where: { bytes($0) == bytes(name) }) {
      guard let member = take(unchecked: bytes(name)) else { continue }
      problems.append(
        ProfileProblem(
          isWarning: false, offset: member.keyOffset, pointer: path(name),
          message: others + " no \"" + spelled(name) + "\""))
    }
  }

  /// Every member that nobody has taken is a problem.
  package func finish(_ problems: inout [ProfileProblem]) {
    for member in members {
      problems.append(
        ProfileProblem(
          isWarning: false, offset: member.keyOffset,
          pointer: pointer + "/" + pointerToken(member.key),
          message: "unknown name" + Suggestion.text(for: member.key, among: known)))
    }
  }
}

/// Taking members by type. Each returns nil, after a problem where one is there but wrong.
extension ObjectReader {
  package mutating func expect<T>(
    _ key: StaticString, _ what: String, _ problems: inout [ProfileProblem],
    _ convert: (ProfileNode) -> T?
  ) -> T? {
    guard let member = take(key) else { return nil }
    if let value = convert(member.value) { return value }
    problems.append(
      ProfileProblem(
        isWarning: false, offset: member.value.offset, pointer: path(key),
        message: "expected " + what + ", found " + member.value.found))
    return nil
  }

  package mutating func bool(_ key: StaticString, _ problems: inout [ProfileProblem]) -> Bool? {
    expect(key, "true or false", &problems) { node in
      if case .bool(let value) = node.value { value } else { nil }
    }
  }

  /// A string that is not empty.
  package mutating func string(
    _ key: StaticString, _ problems: inout [ProfileProblem]
  ) -> (bytes: [UInt8], offset: Int)? {
    expect(key, "a string that is not empty", &problems) { node in
      if case .string(let bytes) = node.value, !bytes.isEmpty { (bytes, node.offset) } else { nil }
    }
  }

  package mutating func number(
    _ key: StaticString, _ problems: inout [ProfileProblem], from low: Double = -1e300,
    to high: Double = 1e300, _ what: String = "a number"
  ) -> Double? {
    expect(key, what, &problems) { node in
      if case .number(let number) = node.value, number.value >= low, number.value <= high {
        number.value
      } else {
        nil
      }
    }
  }

  package mutating func whole(
    _ key: StaticString, _ problems: inout [ProfileProblem], from low: Int64, to high: Int64
  ) -> Int64? {
    let what = "a whole number from " + text(low) + " to " + text(high)
    return expect(key, what, &problems) { node in
      if case .number(let number) = node.value, let whole = number.whole, whole >= low,
        whole <= high
      {
        whole
      } else {
        nil
      }
    }
  }

  /// A string of up to `longest` bytes that can be handed to C and to MQTT: not empty, without NUL.
  package mutating func shortString(
    _ key: StaticString, _ problems: inout [ProfileProblem], longest: Int
  ) -> (bytes: [UInt8], offset: Int)? {
    guard let text = string(key, &problems) else { return nil }
    if text.bytes.count <= longest, !text.bytes.contains(0) { return text }
    problems.append(
      ProfileProblem(
        isWarning: false, offset: text.offset, pointer: path(key),
        message: "expected at most " + Profile.text(Int64(wide: longest)) + " bytes, none of them 0"
      ))
    return nil
  }

  /// A length of time such as "20ms".
  package mutating func duration(
    _ key: StaticString, _ problems: inout [ProfileProblem], from low: Interval = .zero,
    to high: Interval = .seconds(365 * 86_400), example: String
  ) -> Interval? {
    var what = "a duration such as \"" + example + "\""
    if low > .zero || high < .seconds(365 * 86_400) {
      what += " (from " + short(low) + " to " + short(high) + ")"
    }
    return expect(key, what, &problems) { node in
      if case .string(let bytes) = node.value, let value = Interval(parsing: bytes.span),
        value >= low, value <= high
      {
        value
      } else {
        nil
      }
    }
  }

  /// A size such as "64KiB", or a number of bytes.
  package mutating func size(
    _ key: StaticString, _ problems: inout [ProfileProblem], from low: Int, to high: Int
  ) -> Int? {
    var hint = ""
    if let member = members.first(where: { $0.key == bytes(key) }),
      case .string(let bytes) = member.value.value, bytes.last == UInt8(ascii: "B"),
      bytes.count > 2, bytes[bytes.count - 2] != UInt8(ascii: "i")
    {
      hint = " (KiB is 1,024 bytes: did you mean \""
      hint += String(decoding: bytes.dropLast(), as: UTF8.self) + "iB\"?)"
    }
    let what =
      "a size such as \"64KiB\", from " + text(Int64(wide: low)) + " to " + text(Int64(wide: high))
      + " bytes" + hint
    return expect(key, what, &problems) { node in
      guard let size = Self.size(node), size >= low, size <= high else { return nil }
      return size
    }
  }

  private static func size(_ node: ProfileNode) -> Int? {
    switch node.value {
    case .number(let number):
      guard let whole = number.whole, whole >= 0 else { return nil }
      return Int(narrow: whole)
    case .string(let bytes):
      var end = bytes.count
      while end > 0, bytes[end - 1] < UInt8(ascii: "0") || bytes[end - 1] > UInt8(ascii: "9") {
        end -= 1
      }
      let unit = Array(bytes[end...])
      let digits = Array(bytes[..<end])
      guard !digits.contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) else { return nil }
      let factor: Double
      if unit == Profile.bytes("KiB") {
        factor = 1024
      } else if unit == Profile.bytes("MiB") {
        factor = 1_048_576
      } else {
        return nil
      }
      // 2^31 and more do not fit an Int of 32 bits.
      guard let number = Double(parsing: digits.span), number * factor < 0x1p31 else { return nil }
      return Int(number * factor)
    case .object, .array, .bool, .null: return nil
    }
  }

  /// One of a few words.
  package mutating func word<T>(
    _ key: StaticString, _ problems: inout [ProfileProblem], _ words: KeyValuePairs<StaticString, T>
  ) -> T? {
    wordIndex(key, &problems, words.map { $0.0 }).map { words[$0].1 }
  }

  /// Which of a few words. The program would have it once for each type of value, were it generic.
  package mutating func wordIndex(
    _ key: StaticString, _ problems: inout [ProfileProblem], _ words: [StaticString]
  ) -> Int? {
    guard let member = take(key) else { return nil }
    return Self.index(of: member.value, path(key), &problems, words)
  }

  /// Which of a few words, for each element of an array; those that are none of them are left out.
  package mutating func wordIndices(
    _ key: StaticString, _ problems: inout [ProfileProblem], _ words: [StaticString],
    _ what: String
  ) -> [Int]? {
    let nodes = expect(key, "an array of " + what, &problems) { node in
      if case .array(let nodes) = node.value { nodes } else { nil }
    }
    guard let nodes else { return nil }
    var indices: [Int] = []
    for (place, node) in nodes.enumerated() {
      let pointer = path(key) + "/" + text(Int64(wide: place))
      if let index = Self.index(of: node, pointer, &problems, words) { indices.append(index) }
    }
    return indices
  }

  private static func index(
    of node: ProfileNode, _ pointer: String, _ problems: inout [ProfileProblem],
    _ words: [StaticString]
  ) -> Int? {
    var message = "expected one of"
    if case .string(let bytes) = node.value {
      for (index, word) in words.enumerated() where bytes == Profile.bytes(word) { return index }
      message = Suggestion.text(for: bytes, among: words)
      message = "expected one of" + Self.list(words) + ", found " + node.found + message
    } else {
      message += Self.list(words) + ", found " + node.found
    }
    problems.append(
      ProfileProblem(isWarning: false, offset: node.offset, pointer: pointer, message: message))
    return nil
  }

  /// The words as a message lists them.
  static func list(_ words: [StaticString]) -> String {
    var list = ""
    for word in words { list += (list.utf8.isEmpty ? " \"" : ", \"") + spelled(word) + "\"" }
    return list
  }

  /// An object inside.
  package mutating func object(
    _ key: StaticString, _ problems: inout [ProfileProblem]
  ) -> ObjectReader? {
    guard let member = take(key) else { return nil }
    return ObjectReader(member.value, pointer: path(key), &problems)
  }
}

/// A length of time in the profile's own words.
package func short(_ interval: Interval) -> String {
  let milliseconds = interval.milliseconds
  if milliseconds % 1000 != 0 { return text(milliseconds) + "ms" }
  let seconds = milliseconds / 1000
  if seconds > 0, seconds % 86_400 == 0 { return text(seconds / 86_400) + "d" }
  if seconds > 0, seconds % 3600 == 0 { return text(seconds / 3600) + "h" }
  if seconds > 0, seconds % 60 == 0 { return text(seconds / 60) + "m" }
  return text(seconds) + "s"
}
