import Core
import JSON
import Profile

/// A value of the document that an agent has handed out; nothing where there is none.
///
/// A class, because to hand on a `ProfileNode` takes a lot of code wherever that is done.
final class StatusValue {
  private let node: ProfileNode?

  /// The whole document; nil when it is no JSON.
  init?(document: [UInt8]) {
    var parser = ProfileParser()
    let node = parser.parse(document)
    guard let node, parser.problems.isEmpty, case .object = node.value else { return nil }
    self.node = node
  }

  private init(_ node: ProfileNode?) { self.node = node }

  /// The member of that name.
  @inline(never)
  subscript(name: StaticString) -> StatusValue {
    let wanted = Words(stringLiteral: name).bytes
    guard case .object(let members)? = node?.value else { return StatusValue(nil) }
    return StatusValue(members.first { $0.key == wanted }?.value)
  }

  /// The number that is the member of that name; nil where there is none.
  @inline(never)
  func number(_ name: StaticString) -> Double? { self[name].number }

  /// True when there is something, and be it null.
  @inline(never)
  var isThere: Bool { node != nil }

  /// All members, in their order.
  @inline(never)
  var members: [(name: Words, value: StatusValue)] {
    guard case .object(let members)? = node?.value else { return [] }
    return members.map { (Words($0.key), StatusValue($0.value)) }
  }

  /// All elements of an array.
  @inline(never)
  var elements: [StatusValue] {
    guard case .array(let elements)? = node?.value else { return [] }
    return elements.map { StatusValue($0) }
  }

  /// A string; else empty.
  @inline(never)
  var text: Words {
    if case .string(let bytes)? = node?.value { Words(bytes) } else { Words() }
  }

  /// A number, or true and false as 1 and 0; else nil.
  @inline(never)
  var number: Double? {
    switch node?.value {
    case .number(let number): number.value
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }

  /// A number without its decimals; 0 where there is none.
  @inline(never)
  var whole: Int64 {
    guard case .number(let number)? = node?.value, number.value.magnitude < 0x1p62 else { return 0 }
    return number.whole ?? Int64(number.value)
  }

  /// True or false; else nil.
  var bool: Bool? {
    if case .bool(let value)? = node?.value { value } else { nil }
  }

  /// True when a text is `word`.
  @inline(never)
  func equals(_ word: StaticString) -> Bool { text.bytes.span.equals(word) }
}
