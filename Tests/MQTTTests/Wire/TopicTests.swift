import Core
import MQTT
import Testing

@Suite struct TopicTests {
  /// The examples of section 4.7, and their neighbours.
  @Test(arguments: [
    ("sport/tennis/player1/#", "sport/tennis/player1", true),
    ("sport/tennis/player1/#", "sport/tennis/player1/ranking", true),
    ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
    ("sport/tennis/player1/#", "sport/tennis/player10", false),
    ("sport/#", "sport", true), ("sport/#", "sports", false), ("sport/#", "sport/", true),
    ("#", "a", true), ("#", "/", true), ("#", "$SYS", false), ("#", "$SYS/a", false),
    ("sport/tennis/+", "sport/tennis/player1", true),
    ("sport/tennis/+", "sport/tennis/player1/ranking", false),
    ("sport/+", "sport", false), ("sport/+", "sport/", true),
    ("+/+", "/finance", true), ("/+", "/finance", true), ("+", "/finance", false),
    ("+/monitor/Clients", "$SYS/monitor/Clients", false), ("$SYS/#", "$SYS/monitor", true),
    ("$SYS/#", "$SYS", true), ("$SYS/monitor/+", "$SYS/monitor/Clients", true),
    ("+", "$SYS", false), ("+/tennis/#", "sport/tennis", true), ("+/#", "a", true),
    ("a/+/c", "a//c", true), ("a/+/c", "a/b/d", false), ("a/b", "a/b/", false),
    ("a/b/", "a/b", false), ("a", "ab", false), ("ab", "a", false), ("A", "a", false),
    ("a/$b/+", "a/$b/c", true), ("+/$b", "a/$b", true),
  ])
  func matching(filter: String, topic: String, expected: Bool) {
    #expect(matches(filter, topic) == expected)
  }

  /// Against a matcher that splits both into levels.
  @Test func agreesWithMatchingLevelByLevel() {
    var generator = Generator(seed: 1)
    let levels = ["", "a", "b", "$c", "+", "#"]
    var matchCount = 0
    for _ in 0..<50_000 {
      var filter: [String] = []
      repeat {
        filter.append(levels[Int(generator.next(below: 6))])
      } while filter.last != "#" && generator.next(below: 3) != 0
      var topic: [String] = []
      repeat {
        topic.append(levels[Int(generator.next(below: 4))])
      } while generator.next(below: 3) != 0
      let filterText = filter.joined(separator: "/")
      let topicText = topic.joined(separator: "/")
      guard !filterText.isEmpty, !topicText.isEmpty else { continue }
      let isMatch = matches(filterText, topicText)
      #expect(isMatch == levelwise(filter, topic), "\(filterText) \(topicText)")
      matchCount += isMatch ? 1 : 0
    }
    #expect(matchCount > 1000)
  }

  private func levelwise(_ filter: [String], _ topic: [String]) -> Bool {
    if topic[0].hasPrefix("$") && (filter[0] == "+" || filter[0] == "#") { return false }
    for (index, level) in filter.enumerated() {
      if level == "#" { return true }
      guard index < topic.count, level == "+" || level == topic[index] else { return false }
    }
    return filter.count == topic.count
  }

  @Test(arguments: [
    ("a", true), ("/", true), ("a/b c/ä", true), ("$SYS", true), ("", false), ("a/+", false),
    ("#", false), ("a+b", false), ("a\0b", false),
  ])
  func topicNames(topic: String, expected: Bool) {
    #expect(isTopicName(utf8(topic)) == expected)
  }

  @Test(arguments: [
    ("#", true), ("+", true), ("a/#", true), ("/#", true), ("+/+", true), ("/", true),
    ("+/a/#", true), ("a", true), ("", false), ("a#", false), ("#/a", false), ("##", false),
    ("a/#/", false), ("a+", false), ("+a", false), ("a/+b/c", false), ("++", false),
    ("a\0", false),
  ])
  func topicFilters(filter: String, expected: Bool) {
    #expect(isTopicFilter(utf8(filter)) == expected)
  }

  @Test func longestTopics() {
    let longest = [UInt8](repeating: 0x61, count: 65_535)
    #expect(isTopicName(longest) && isTopicFilter(longest))
    #expect(!isTopicName(longest + [0x61]))
    #expect(!isTopicFilter(longest + [0x61]))
  }
}
