import Core
import Testing

/// What a first birth says of the run before, from what the broker has retained.
@Suite struct AwayTests {
  @Test func theRunBeforeWasStopped() throws {
    let world = try World.online(profile())
    world.run(.seconds(33))
    world.stop()
    world.run(.seconds(4))
    #expect(world.isStopped)
    let stopped = world.now
    world.run(.seconds(50))
    world.restart()
    world.forget()
    #expect(world.run(atMost: .seconds(4)) { $0.lastBirth != nil })
    let away = try #require(world.lastBirth?.away)
    #expect(away.reason == "stopped")
    let seconds = Double((world.now - stopped).milliseconds) / 1000
    #expect(abs(try #require(away.seconds) - seconds) <= 4, "from when it said offline")
  }

  @Test func theRunBeforeEndedWithoutAWord() throws {
    let world = try World.online(profile())
    world.run(.seconds(90))
    let reported = try #require(world.heard.last { $0.topic == "diag" }?.at)
    world.forget()
    world.restart()
    #expect(world.run(atMost: .seconds(4)) { $0.lastBirth != nil })
    let away = try #require(world.lastBirth?.away)
    #expect(away.reason == "agent-ended")
    let seconds = Double((world.now - reported).milliseconds) / 1000
    // Times of day are cut to milliseconds.
    #expect(abs(try #require(away.seconds) - seconds) < 0.002, "since the last sign of life")
    #expect(world.lives == ["lost connection-lost (will)", "online started"])
  }

  @Test func theBoardHasRebooted() throws {
    let world = try World.online(profile())
    world.restart(boot: UInt8(ascii: "b"))
    world.forget()
    world.run(.seconds(4))
    #expect(world.lastBirth?.away?.reason == "rebooted")
    #expect(world.lastBirth?.boot == String(repeating: "b", count: 36))
  }

  @Test func anOrderlyStopBeforeARebootIsAStop() throws {
    let world = try World.online(profile())
    world.stop()
    world.run(.seconds(4))
    world.restart(boot: UInt8(ascii: "b"))
    world.run(.seconds(4))
    #expect(world.lastBirth?.away?.reason == "stopped")
  }

  @Test func withoutAClockTheLengthIsUnknown() throws {
    let world = try World.online(profile())
    world.restart(boot: UInt8(ascii: "b"))
    world.quality = .none
    world.forget()
    world.run(.seconds(4))
    #expect(world.lastBirth?.away == Status.Away(reason: "rebooted", seconds: nil, dropped: 0))
  }

  @Test func aClockThatWentBackMakesNoNegativeLength() throws {
    let world = try World.online(profile())
    world.restart()
    world.wallAtBoot -= 3_600_000
    world.forget()
    world.run(.seconds(4))
    #expect(world.lastBirth?.away?.seconds == 0)
  }

  @Test func aLossBeforeTheFirstBirthDoesNotChangeWhatWasBefore() throws {
    let world = try World.online(profile())
    world.stop()
    world.run(.seconds(4))
    world.restart()
    world.forget()
    // Online, but the birth waits for what is retained; the will is then all that the broker has.
    #expect(world.run(atMost: .seconds(4)) { $0.isOnline })
    world.cut()
    #expect(world.lives == ["lost connection-lost (will)"])
    world.run(.seconds(4))
    #expect(world.lastBirth?.reason == "started")
    #expect(world.lastBirth?.away?.reason == "stopped")
  }

  @Test func aLossBeforeTheVeryFirstBirthIsNoEarlierRun() throws {
    let world = try World(profile())
    #expect(world.run(atMost: .seconds(4)) { $0.isOnline })
    world.cut()
    world.run(.seconds(4))
    #expect(world.lastBirth?.reason == "started")
    #expect(world.lastBirth?.away?.reason == "connection-failed")
  }

  @Test(arguments: ["", "null", "[]", #"{"state":7}"#, "{", #"{"session":1}"#])
  func whatIsNoStatusTellsNothing(_ text: String) throws {
    let world = try World(profile())
    world.publish("status", text, retain: true)
    world.publish("diag", text, retain: true)
    world.run(.seconds(5))
    #expect(world.lastBirth?.reason == "started")
    #expect(world.lastBirth?.away?.seconds == nil)
    #expect(world.retained("status")?.contains(#""state":"online""#) == true)
  }
}
