import Core
import Foundation
import Testing

@testable import Linux

@Suite(.serialized) struct ProcessTests {
  @Test func monotonicClockGoesForwardAndTheWallClockIsTheSystems() {
    let first = Clock.moment()
    let second = Clock.moment()
    #expect(first.instant <= second.instant)
    #expect(abs(Double(second.wall.milliseconds) / 1000 - Date().timeIntervalSince1970) < 2)
    #expect(second.quality != .none)
  }

  @Test func argumentsAreThoseOfTheProgram() {
    #expect(Arguments.count == CommandLine.arguments.count)
    let first = Arguments.withBytes(of: 0) { span in span.count }
    #expect(first == CommandLine.arguments[0].utf8.count)
    #expect(Arguments.withBytes(of: Arguments.count) { $0.count } == 0)
    #expect(Arguments.withBytes(of: -1) { $0.count } == 0)
  }
}
