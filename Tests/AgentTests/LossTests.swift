import Broker
import Core
import Device
import TestSupport
import Testing

/// A link that goes: the will, what is noticed and when, and that all is said afterwards.
@Suite struct LossTests {
  @Test func afterACutTheWillSpeaksAndThenTheNextBirth() throws {
    let world = try World.online(profile())
    world.forget()
    world.cut()
    #expect(world.lives == ["lost connection-lost (will)"])
    let will = try #require(world.heard.first?.status)
    #expect(will.session == 1 && will.version == "1.2" && will.away == nil)
    #expect(world.heard.first?.isRetained == true && world.heard.first?.qos == 1)
    world.run(.seconds(4))
    #expect(world.lives == ["lost connection-lost (will)", "online reconnected"])
    #expect(world.retained("status")?.contains(#""state":"online","session":2"#) == true)
  }

  @Test func aHalfOpenLinkIsNoticedInTimeAndNothingIsMissing() throws {
    let world = try World.online(profile())
    world.run(.seconds(7))
    world.forget()
    let died = world.now
    world.network.die()
    for round in 1...6 {
      world.run(.seconds(1))
      world.hold("door", Double(round % 2))
    }
    #expect(world.heard.isEmpty && world.isOnline, "swallowed, and nobody knows yet")
    // Keep-alive 20 s, reply timeout 10 s; the first attempt follows within 1 s.
    #expect(world.run(atMost: .seconds(60)) { !$0.isOnline })
    #expect(world.now - died <= .seconds(30 + 10))
    #expect(world.run(atMost: .seconds(2)) { $0.isOnline }, "the network itself is well")
    world.run(.seconds(4))
    #expect(world.lastBirth?.away?.reason == "no-answer-to-ping")
    #expect(world.lives == ["lost connection-lost (will)", "online reconnected"])
    let events = world.heard.flatMap(\.readings).filter { $0.series == "event door" }
    #expect(events.map(\.seq) == [1, 2, 3, 4, 5, 6])
    #expect(events.map(\.v) == (1...6).map { .bool($0 % 2 == 1) })
    #expect(world.unacknowledged == 0)
  }

  @Test(arguments: 0...9 as ClosedRange<Int64>)
  func underTrafficAHalfOpenLinkIsNoticedWithinFifteenSeconds(tenth: Int64) throws {
    let world = try World.online(profile(Point.cpu, broker: #""keepAlive": "60s""#))
    world.run(.seconds(90) + .milliseconds(100) * tenth)
    world.network.answer = .refuses
    world.network.die()
    let died = world.now
    #expect(world.run(atMost: .seconds(100)) { !$0.isOnline })
    #expect(world.now - died <= .seconds(15))
  }

  @Test func anIdleHalfOpenLinkIsNoticedWithinOneAndAHalfKeepAlives() throws {
    let world = try World.online(
      profile(Point.door, device: #""diagnostics": "0s""#, broker: #""keepAlive": "60s""#))
    world.run(.seconds(59))
    world.network.answer = .refuses
    world.network.die()
    let died = world.now
    #expect(world.run(atMost: .seconds(200)) { !$0.isOnline })
    #expect(world.now - died <= .seconds(90))
  }

  /// Round trips of 8 s, all of a sudden: pings go out early, but nothing goes out twice.
  @Test func aSlowLinkIsKeptAndNothingIsSentTwice() throws {
    let world = try World.online(profile(Point.cpu, broker: #""keepAlive": "60s""#))
    world.network.latency = .seconds(4)
    world.run(.seconds(600))
    #expect(world.isOnline && world.lastBirth?.session == 1)
    let sequence = world.heard.flatMap(\.readings).filter { $0.series == "state cpu" }.map(\.seq)
    #expect(sequence.count > 550)
    #expect(Set(sequence).count == sequence.count)
  }

  @Test func aSilentDeviceIsDeclaredLostByTheBrokerInTime() throws {
    let world = try World.online(profile())
    world.run(.seconds(7))
    world.network.answer = .isSilent
    world.forget()
    world.network.die()
    let died = world.now
    #expect(world.run(atMost: .seconds(60)) { $0.heard.contains(where: \.isWill) })
    #expect(world.now - died <= .seconds(30), "1.5 keep-alives")
    #expect(world.partings == [.keepAlive])
  }

  @Test func aBrokerWhoseAnswersTakeTooLongIsLeft() throws {
    // The keep-alive would take ten minutes to notice.
    let world = try World.online(
      profile(broker: #""keepAlive": "10m""#, uplink: #""timeouts": {"reply": "1s"}"#))
    world.network.latency = .seconds(5)
    world.hold("door", 1)
    world.run(.seconds(4))
    #expect(world.lastBirth?.session == 1)
    world.network.latency = .zero
    world.run(.seconds(4))
    #expect(world.lastBirth?.away?.reason == "no-answer-to-ping")
    #expect(world.unacknowledged == 0)
  }

  @Test func theAbsenceSaysWhyAndHowLong() throws {
    let world = try World.online(profile(uplink: #""backoff": {"min": "1s", "max": "2s"}"#))
    world.network.answer = .refuses
    world.cut()
    let cut = world.now
    world.run(.seconds(100))
    world.network.answer = .accepts
    #expect(world.run(atMost: .seconds(4)) { $0.isOnline })
    let away = try #require(world.lastBirth?.away)
    #expect(away.reason == "connection-failed", "the fault that ended the session, not the last")
    #expect(away.seconds == Double((world.now - cut).milliseconds) / 1000)
    #expect(away.dropped == 0)
  }

  @Test(arguments: [("3.1.1", "closed-by-broker"), ("5.0", "taken-over")])
  func aBrokerThatClosesIsSaidToHaveClosed(version: String, reason: String) throws {
    let world = try World.online(profile(broker: #""version": "\#(version)""#))
    // Another client of that name: the broker closes the connection of the first (3.1.4).
    let bytes: [UInt8] = [0x10, 15, 0, 4] + utf8("MQTT") + [4, 2, 0, 60, 0, 3] + utf8("dev")
    let other = world.broker.open(at: world.now)
    world.broker.receive(bytes.span, from: other, at: world.now)
    world.run(.seconds(4))
    #expect(world.lastBirth?.session == 2)
    #expect(world.lastBirth?.away?.reason == reason)
  }

  @Test func anOutageIsToldInHistoryAndThePresentLive() throws {
    let world = try World.online(profile())
    world.network.answer = .refuses
    world.cut()
    world.hold("door", 1)
    world.hold("door", 0)
    world.hold("door", 1)
    world.network.answer = .accepts
    world.forget()
    world.run(.seconds(4))
    let history = world.heard.filter { $0.topic == "history" }
    #expect(history.allSatisfy { !$0.isRetained && $0.payload.hasPrefix(#"{"historical":true,"#) })
    let events = history.flatMap(\.readings).filter { $0.series == "event door" }
    #expect(events.map(\.seq) == [1, 2, 3])
    #expect(events.map(\.v) == [.bool(true), .bool(false), .bool(true)])
    #expect(world.payloads("event/door").isEmpty)
    let live = try #require(world.heard.first { $0.topic == "state/door" }?.readings.first)
    #expect(live.v == .bool(true))
    let first = world.heard.firstIndex { $0.topic == "history" }
    let last = world.heard.lastIndex { $0.topic.hasPrefix("state/") }
    #expect(try #require(last) < #require(first), "the present first")
  }
}
