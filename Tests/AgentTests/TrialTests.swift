import Agent
import Broker
import Core
import Testing

/// What begins the agent anew, and a profile that has to prove itself.
@Suite struct TrialTests {
  private func trial(_ length: Interval, answer: CareAnswer? = nil) -> CareStart {
    var start = CareStart.withRecord
    start.number = 7
    start.trial = length
    start.answer = answer
    return start
  }

  @Test func aRestartIsAnsweredBeforeTheStop() throws {
    let world = try World.online(careful())
    world.forget()
    world.ask(#"{"n":1,"do":"restart"}"#)
    world.run(.seconds(5))
    #expect(world.isStopped && world.stopReason == .restart)
    #expect(world.careAnswers == [#""do":"restart","result":"accepted"}"#])
    let topics = world.heard.filter { $0.client == "dev" }.map(\.topic)
    #expect(topics.first == "care/result" && topics.last == "status")
    #expect(world.lives == ["stopping restart", "offline restart"])
  }

  @Test(arguments: [
    (CareOutcome.hasNoPlace, "no-state-directory"), (.failed, "state-not-writable"),
  ])
  func whatCannotBeKeptIsNotBegun(outcome: CareOutcome, reason: String) throws {
    let world = try World.online(careful())
    world.forget()
    world.care.outcome = outcome
    world.ask(#"{"n":1,"do":"restart"}"#)
    world.ask(#"{"n":2,"do":"log","level":"debug"}"#)
    world.run(.seconds(5))
    #expect(
      world.careAnswers == [
        "\"do\":\"restart\",\"result\":\"refused\",\"reason\":\"\(reason)\"}",
        #""do":"log","result":"done"}"#,
      ])
    #expect(world.isOnline)
  }

  /// The number that a request has to be greater than is not known then.
  @Test func withoutAReadableRecordOnlyTheStateIsTold() throws {
    let world = try World.online(careful())
    world.forget()
    world.care.outcome = .unreadable
    world.ask(#"{"n":1,"do":"restart"}"#)
    world.ask(#"{"n":2,"do":"log","level":"debug"}"#)
    world.run(.seconds(5))
    world.ask(#"{"n":3,"do":"status"}"#)
    world.run(.seconds(5))
    #expect(
      world.careAnswers == [
        #""do":"restart","result":"refused","reason":"record-unreadable"}"#,
        #""do":"log","result":"refused","reason":"record-unreadable"}"#,
        #""do":"status","result":"done"}"#,
      ])
    #expect(world.isOnline && world.care.levels.isEmpty)
  }

  @Test func aProfileIsTriedByAnotherRun() throws {
    let world = try World.online(careful())
    world.forget()
    world.ask(#"{"n":1,"do":"profile","within":"2m","profile":{"a":1}}"#)
    world.run(.seconds(5))
    #expect(world.care.orders.map(\.task) == [.profile])
    #expect(world.care.orders.map(\.within) == [.seconds(120)])
    #expect(world.care.profiles == [#"{"a":1}"#])
    #expect(world.stopReason == .reload && world.isStopped)
  }

  @Test func anAnswerThatFoundNoLinkIsSaidOnceThereIsOne() throws {
    var start = CareStart.withRecord
    start.answer = CareAnswer(5, .restart, .done)
    let world = try World(careful(), care: start)
    world.network.answer = .refuses
    world.run(.seconds(60))
    world.network.answer = .accepts
    world.run(.seconds(200))
    #expect(world.careAnswers == [#""do":"restart","result":"done"}"#])
    #expect(world.care.forgotten == [5], "the rim forgets it, too")
    world.cut()
    world.run(.seconds(60))
    #expect(world.careAnswers.count == 1)
  }

  @Test func theBirthAndTheSubscriptionProveAProfileOnceTheSessionHasLasted() throws {
    let world = try World(careful(), care: trial(.seconds(60)))
    world.run(.seconds(29))
    #expect(world.isOnline && world.care.confirmed == 0)
    world.run(.seconds(5))
    #expect(world.care.confirmed == 1)
    #expect(world.careAnswers == [#""do":"profile","result":"applied"}"#])
    #expect(world.care.forgotten == [7])
    world.run(.seconds(120))
    #expect(world.isOnline && world.stopReason == nil)
  }

  @Test func oneLuckyMomentProvesNothing() throws {
    let world = try World(careful(), care: trial(.seconds(60)))
    while world.stopReason == nil, world.now < .boot + .seconds(200) {
      guard world.run(atMost: .seconds(30), until: { $0.isOnline }) else { break }
      world.run(.seconds(2))
      world.cut()
    }
    #expect(world.stopReason == .rollBack && world.careFault.hasPrefix("not-online: "))
    #expect(world.care.confirmed == 0)
  }

  @Test func aProfileThatIsOnlineJustInTimeHasTimeToHold() throws {
    let world = try World(careful(), care: trial(.seconds(60)))
    world.run(.seconds(20))
    world.cut()
    world.run(.seconds(30))
    world.cut()
    try #require(world.run(atMost: .seconds(9)) { $0.isOnline })
    world.run(.seconds(40))
    #expect(world.care.confirmed == 1 && world.stopReason == nil)
  }

  @Test func withoutABrokerAProfileIsGivenUp() throws {
    let world = try World(careful(), care: trial(.seconds(60)))
    world.network.answer = .refuses
    world.run(.seconds(59))
    #expect(world.stopReason == nil)
    world.run(.seconds(2))
    #expect(world.stopReason == .rollBack && world.isStopped)
    #expect(world.careFault == "not-online: connect-failed")
    #expect(world.care.confirmed == 0)
  }

  /// A device that nobody could care for any more would keep this profile for good.
  @Test func aProfileWhoseBrokerLetsNobodyAskIsGivenUp() throws {
    var limits = BrokerLimits()
    limits.subscriptionsMax = 2
    let world = try World(careful(), limits: limits, care: trial(.seconds(60)))
    world.run(.seconds(59))
    #expect(world.isOnline && world.care.confirmed == 0)
    world.run(.seconds(2))
    #expect(world.stopReason == .rollBack && world.careFault == "not-subscribed")
  }

  /// Whoever has asked for another process waits for this one to end.
  @Test func whoIsToLeaveAllToAnotherProcessDoesNotBeginAnew() throws {
    let world = try World(careful(), care: trial(.seconds(60)))
    world.network.answer = .refuses
    world.run(.seconds(55))
    world.stop(.handOver)
    world.run(.seconds(30))
    #expect(world.stopReason == .handOver && world.isStopped)
    // One that has begun to give up leaves it to the next process, too.
    let other = try World(careful(), care: trial(.seconds(60)))
    other.stop(.rollBack)
    other.stop(.handOver)
    other.run(.seconds(30))
    #expect(other.stopReason == .handOver && other.isStopped)
    other.stop(.reload)
    #expect(other.stopReason == .handOver)
  }

  /// A login that may not write the status: 5.0 says so in the acknowledgement.
  @Test func aProfileWhoseBirthIsRefusedIsGivenUp() throws {
    let world = try World(careful(), care: trial(.seconds(60)))
    world.network.altering = { packet in
      packet[0] == 0x40 ? [0x40, 3, packet[2], packet[3], 0x87] : packet
    }
    world.run(.seconds(59))
    #expect(world.isOnline && world.care.confirmed == 0)
    world.run(.seconds(2))
    #expect(world.stopReason == .rollBack && world.careFault == "status-not-taken")
  }

  /// 3.1.1 cannot say it (section 3.3.5): nothing comes back then.
  @Test func aProfileWhoseBirthDoesNotComeBackIsGivenUp() throws {
    let world = try World(careful(), care: trial(.seconds(60)))
    world.network.altering = { packet in
      packet[0] & 0xF0 == 0x30 && String(decoding: packet, as: UTF8.self).contains("dev/status")
        ? [] : packet
    }
    world.run(.seconds(59))
    #expect(world.isOnline && world.care.confirmed == 0)
    world.run(.seconds(2))
    #expect(world.stopReason == .rollBack && world.careFault == "status-not-heard")
  }

  @Test func anAnswerThatTheBrokerRefusesIsSaidAgainInAnotherSession() throws {
    var start = CareStart.withRecord
    start.answer = CareAnswer(5, .restart, .done)
    let world = try World(careful(), care: start)
    world.network.altering = { packet in
      packet[0] == 0x40 ? [0x40, 3, packet[2], packet[3], 0x87] : packet
    }
    world.run(.seconds(10))
    #expect(world.careAnswers.count == 1 && world.care.forgotten.isEmpty)
    world.network.altering = { $0 }
    world.cut()
    world.run(.seconds(60))
    #expect(world.careAnswers.count == 2 && world.care.forgotten == [5])
  }

  @Test func aProfileThatCannotBeKeptIsGivenUp() throws {
    let world = try World(careful(), care: trial(.seconds(60)))
    world.care.confirmation = nil
    world.run(.seconds(40))
    #expect(world.stopReason == .rollBack && world.isStopped)
  }
}
