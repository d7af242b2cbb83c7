import Core
import MQTT

/// Which filters are subscribed to, and by whom.
struct Routes {
  struct Filter {
    var topic: TopicSubscription
    /// As it is sent.
    var bytes: [UInt8]
    /// What topics have to match: without the group of a shared subscription.
    var pattern: [UInt8]
    /// The subscription identifier, and the tag under which the manager keeps the filter.
    var number: UInt32
    var userProperties: [UInt8]
    /// False where the broker takes no identifiers.
    var isIdentified = true
    var members: [SubscriptionID] = []
  }

  private(set) var filters: [UInt32: Filter] = [:]
  var inboxes: [SubscriptionID: Inbox] = [:]
  private var lastNumber: UInt32 = 0
  /// The subscription to answers; nil before the first question.
  var responses: SubscriptionID?
  let limit: Int

  init(limit: Int) { self.limit = limit }

  subscript(number: UInt32) -> Filter? {
    get { filters[number] }
    set { filters[number] = newValue }
  }

  /// Adds a member to a filter, which is made if there is none; returns its number.
  mutating func add(
    _ topic: TopicSubscription, _ userProperties: [UInt8], _ member: SubscriptionID
  ) -> UInt32 {
    let bytes = Array(topic.filter.utf8)
    if let number = filters.values.first(where: { $0.bytes == bytes })?.number {
      filters[number]?.topic = topic
      filters[number]?.userProperties = userProperties
      filters[number]?.members.append(member)
      return number
    }
    lastNumber = lastNumber >= 268_435_455 ? 1 : lastNumber + 1
    filters[lastNumber] = Filter(
      topic: topic, bytes: bytes, pattern: Self.pattern(topic.filter), number: lastNumber,
      userProperties: userProperties, members: [member])
    return lastNumber
  }

  /// Takes a subscription out; returns the filters that nobody wants any more.
  mutating func remove(_ member: SubscriptionID) -> [[UInt8]] {
    inboxes[member] = nil
    var orphans: [[UInt8]] = []
    for (number, filter) in filters where filter.members.contains(member) {
      filters[number]?.members.removeAll { $0 == member }
      guard filters[number]?.members.isEmpty == true else { continue }
      filters[number] = nil
      orphans.append(filter.bytes)
    }
    return orphans
  }

  /// Who gets a message: by the identifiers that the broker has given with it, as far as they are of
  /// this client's filters, else by the topic. An earlier run of the program may have given the same
  /// identifier to something else, so the topic has to match in any case.
  func members(of topic: [UInt8], identifiers: [UInt32]) -> [SubscriptionID] {
    var numbers = identifiers.filter { number in
      filters[number].map { Self.matches($0.pattern, topic) } ?? false
    }
    if numbers.isEmpty {
      numbers = filters.values.filter { Self.matches($0.pattern, topic) }.map(\.number).sorted()
    }
    var members: [SubscriptionID] = []
    for number in numbers {
      for member in filters[number]?.members ?? [] where !members.contains(member) {
        members.append(member)
      }
    }
    return members
  }

  private static func matches(_ pattern: [UInt8], _ topic: [UInt8]) -> Bool {
    TopicFilter.matches(filter: pattern.span, topic: topic.span)
  }

  private static func pattern(_ filter: String) -> [UInt8] {
    let parts = filter.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "$share" else { return Array(filter.utf8) }
    return Array(parts[2].utf8)
  }
}
