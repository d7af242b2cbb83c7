import Core

/// Topic names: what a message is published under.
public enum TopicName {
  /// True for a topic that a message can be published under: 1 to 65,535 bytes of UTF-8 without
  /// U+0000 and without wildcards (sections 3.3.2.1 and 4.7.3).
  @inline(__always)
  public static func isValid(_ topic: Span<UInt8>) -> Bool {
    guard topic.count <= UInt16.max, !topic.isEmpty else { return false }
    // Most topics are plain, and are looked at once.
    let plain = topic.plainPrefix(from: 0, without: plus, hash)
    return plain == topic.count || isValid(topic, from: plain)
  }

  @inline(never)
  private static func isValid(_ topic: Span<UInt8>, from start: Int) -> Bool {
    let rest = topic.extracting(start..<topic.count)
    return hasNameForm(rest) && isValidText(rest)
  }
}

/// Topic filters: which topics a subscription asks for (section 4.7).
public enum TopicFilter {
  /// True for a filter that one can subscribe to: 1 to 65,535 bytes of UTF-8 without U+0000, `+`
  /// only as a whole level, `#` only as the whole last level.
  public static func isValid(_ filter: Span<UInt8>) -> Bool {
    filter.count <= UInt16.max && hasFilterForm(filter) && isValidText(filter)
  }

  /// True when a message under `topic` goes to a subscription of `filter`; both are valid.
  ///
  /// Levels are compared byte by byte: no case folding, no Unicode normalisation. A filter that
  /// begins with a wildcard never matches a topic that begins with `$` (section 4.7.2).
  public static func matches(filter: Span<UInt8>, topic: Span<UInt8>) -> Bool {
    if let first = topic.first, first == dollar, isWildcard(filter[0]) { return false }
    var f = 0
    var t = 0
    // Each round compares one byte, or `+` with one level; both begin a level when `f` is at a
    // wildcard, because a valid filter has wildcards nowhere else.
    while f < filter.count {
      switch filter[f] {
      case hash: return true
      case plus:
        while t < topic.count && topic[t] != slash { t += 1 }
        f += 1
      default:
        guard t < topic.count else {
          // "sport/#" takes "sport" too (section 4.7.1.2).
          return filter[f] == slash && f + 2 == filter.count && filter[f + 1] == hash
        }
        guard filter[f] == topic[t] else { return false }
        f += 1
        t += 1
      }
    }
    return t == topic.count
  }
}

extension TopicFilter {
  /// True for a filter that one can subscribe to in 5.0: as `isValid`, and a filter that begins with
  /// `$share/` names a group and what it shares: "$share/group/filter" (5.0 section 4.8.2).
  public static func isValidV5(_ filter: Span<UInt8>) -> Bool {
    isValid(filter) && hasShareForm(filter)
  }

  /// True when a valid filter has a wildcard.
  public static func hasWildcard(_ filter: Span<UInt8>) -> Bool { !hasNameForm(filter) }

  /// True when a filter asks for a share of the messages (5.0 section 4.8.2).
  public static func isShared(_ filter: Span<UInt8>) -> Bool {
    filter.count >= 7 && filter.extracting(0..<7).equals("$share/")
  }
}

extension Span<UInt8> {
  fileprivate var first: UInt8? { isEmpty ? nil : self[0] }
}

private var dollar: UInt8 { UInt8(ascii: "$") }
private var hash: UInt8 { UInt8(ascii: "#") }
private var plus: UInt8 { UInt8(ascii: "+") }
private var slash: UInt8 { UInt8(ascii: "/") }

private func isWildcard(_ byte: UInt8) -> Bool { byte == plus || byte == hash }

/// True when valid text can be a topic name.
func hasNameForm(_ topic: Span<UInt8>) -> Bool {
  for index in topic.indices where isWildcard(topic[index]) { return false }
  return !topic.isEmpty
}

/// True when valid text can be a topic filter.
func hasFilterForm(_ filter: Span<UInt8>) -> Bool {
  for index in filter.indices where isWildcard(filter[index]) {
    guard index == 0 || filter[index - 1] == slash else { return false }
    let isLast = index == filter.count - 1
    guard isLast || filter[index] == plus && filter[index + 1] == slash else { return false }
  }
  return !filter.isEmpty
}

/// True when a filter is not shared, or has a name without wildcards and a filter behind it.
func hasShareForm(_ filter: Span<UInt8>) -> Bool {
  guard TopicFilter.isShared(filter) else { return true }
  for index in 7..<filter.count {
    if isWildcard(filter[index]) { return false }
    if filter[index] == slash { return index > 7 && index + 1 < filter.count }
  }
  return false
}
