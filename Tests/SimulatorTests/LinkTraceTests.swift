import Core
import Testing

@testable import Simulator

/// Links that change with time, as a file says it.
@Suite struct LinkTraceTests {
  private static let text = """
    {"latency": "10ms", "up": 1000, "repeat": "1h",
     "trace": [{}, {"at": "10m", "latency": "50ms", "up": 200}, {"at": "40m", "down": 300}]}
    """

  private func link() throws -> LinkConditions {
    try #require(PartReader.link(Array(Self.text.utf8)).link)
  }

  @Test func eachSampleHoldsUntilTheNextAndTheFirstComesAgain() throws {
    var link = try link()
    let rows: [(minute: Int64, latency: Int64, up: Int, down: Int, until: Int64)] = [
      (0, 10, 1_000, 10_000_000, 10), (9, 10, 1_000, 10_000_000, 10),
      (10, 50, 200, 10_000_000, 40), (39, 50, 200, 10_000_000, 40), (40, 10, 1_000, 300, 60),
      (59, 10, 1_000, 300, 60), (60, 10, 1_000, 10_000_000, 70), (130, 50, 200, 10_000_000, 160),
    ]
    for row in rows {
      link.follow(to: .boot + .seconds(row.minute * 60))
      #expect(link.latency == .milliseconds(row.latency))
      #expect((link.upRate, link.downRate) == (row.up, row.down))
      #expect(link.holdsUntil == .boot + .seconds(row.until * 60))
    }
    #expect(link.leastUpRate == 200)
  }

  @Test func whatMakesItSlowComesOnTop() throws {
    var link = try link()
    link.slow(by: .milliseconds(500), rate: 400)
    for (minute, latency, up) in [(Int64(0), Int64(510), 400), (10, 550, 200), (40, 510, 400)] {
      link.follow(to: .boot + .seconds(minute * 60))
      #expect(link.latency == .milliseconds(latency) && link.upRate == up)
    }
    #expect(link.leastUpRate == 200)
  }

  @Test func aLinkWithoutATraceStaysAsItIs() {
    var link = LinkConditions()
    link.slow(by: .milliseconds(5), rate: 70)
    link.follow(to: .boot + .seconds(1_000_000))
    #expect(link.latency == .milliseconds(6) && link.leastUpRate == 70)
    #expect(link.holdsUntil == .never)
  }

  @Test func samplesOutOfOrderAreToldWithTheirPlace() {
    for (text, pointer) in [
      (#"{"trace": [{"at": "1m"}]}"#, "/trace/0"),
      (#"{"trace": [{}, {"at": "2m"}, {"at": "2m"}]}"#, "/trace/2"),
      (#"{"repeat": "1h", "trace": [{}, {"at": "1h"}]}"#, "/trace/1"),
      (#"{"trace": []}"#, "/trace"), (#"{"trace": [{"rate": 3}]}"#, "/trace/0/rate"),
    ] {
      let reading = PartReader.link(Array(text.utf8))
      #expect(reading.link == nil && reading.problems.first?.pointer == pointer)
    }
  }
}
