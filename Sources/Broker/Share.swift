import MQTT

/// A shared subscription: each of its messages goes to one of its members, in turn (5.0 section
/// 4.8.2).
struct Share {
  /// The filter behind the group's name.
  let filter: [UInt8]
  /// The members' client identifiers, in the order in which they joined; never empty in the
  /// broker's table.
  private(set) var members: [[UInt8]] = []
  /// The member whose turn it is.
  private var next = 0

  /// "$share/group/filter", which is valid.
  init(_ shared: [UInt8]) {
    let group = shared.dropFirst("$share/".utf8.count)
    filter = Array(group.drop { $0 != UInt8(ascii: "/") }.dropFirst())
  }

  mutating func add(_ member: [UInt8]) {
    if !members.contains(member) { members.append(member) }
  }

  mutating func remove(_ member: [UInt8]) {
    guard let index = members.firstIndex(of: member) else { return }
    members.remove(at: index)
    if index < next { next -= 1 }
    if next >= members.count { next = 0 }
  }

  /// The members, beginning with the one whose turn it is.
  var inTurn: [[UInt8]] { Array(members[next...] + members[..<next]) }

  /// The member has had its turn.
  mutating func serve(_ member: [UInt8]) {
    guard let index = members.firstIndex(of: member) else { return }
    next = (index + 1) % members.count
  }
}
