import Core
import Dialing
import Testing
import Uplink

@testable import Fleet

/// What a broker sees when all of its devices come back.
struct StormTests {
  private static let uplink = UplinkSpec(dial: DialSpec(Endpoint(.tcp, host: .empty)))

  private func storm() -> Storm {
    var storm = Storm()
    storm.deviceCount = 5_000
    storm.acceptsPerSecond = 100
    return storm
  }

  @Test func allDevicesComeBackAndNoneTwice() {
    let course = storm().course(.agent(Self.uplink))
    #expect(course.backCount == 5_000)
    #expect(course.taken.reduce(0, +) == 5_000)
    #expect(course.attempts.reduce(0, +) == course.attemptCount)
    #expect(course.allBackAfter != nil)
  }

  @Test func nobodyIsTakenBeforeTheBrokerIsBackOrFasterThanItCan() {
    let course = storm().course(.agent(Self.uplink))
    #expect(course.taken[..<10].allSatisfy { $0 == 0 })
    // What a calm second has saved up comes on top.
    #expect(course.taken.allSatisfy { $0 <= 200 })
  }

  @Test func ourBackoffSparesTheBrokerWhatOthersDoToIt() throws {
    let storm = storm()
    let own = storm.course(.agent(Self.uplink))
    let fixed = storm.course(.fixed(.seconds(5)))
    let doubling = storm.course(.doubling(from: .seconds(1), to: .seconds(120)))
    #expect(own.peakAfterReturn * 5 < fixed.peakAfterReturn)
    #expect(own.peakAfterReturn * 5 < doubling.peakAfterReturn)
    let (ours, theirs) = (try #require(own.allBackAfter), try #require(doubling.allBackAfter))
    #expect(ours < theirs)
  }

  @Test func oneSeedGivesOneCourse() {
    let storm = storm()
    #expect(storm.course(.agent(Self.uplink)) == storm.course(.agent(Self.uplink)))
  }

  @Test func whereNobodyAnswersItTakesLongerThanWhereTheyAreRefused() throws {
    var silent = storm()
    silent.overload = .silence
    let refused = try #require(storm().course(.fixed(.seconds(5))).allBackAfter)
    #expect(try #require(silent.course(.fixed(.seconds(5))).allBackAfter) > refused)
  }
}
