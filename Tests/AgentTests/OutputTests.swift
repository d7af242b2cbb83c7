import Core
import Testing

/// What outputs do when nobody commands them.
@Suite struct OutputTests {
  private let points = Point.pump + "," + Point.valve

  @Test func outputsTakeTheirStartStateAtOnceAndSayIt() throws {
    let world = try World(profile(points))
    world.run(.zero)
    #expect(
      world.drives == [
        World.Switching(point: "pump", level: false, at: world.now),
        World.Switching(point: "valve", level: true, at: world.now),
      ])
    world.run(.seconds(4))
    #expect(world.heard.last { $0.topic == "state/valve" }?.readings.first?.v == .bool(true))
    #expect(world.heard.last { $0.topic == "state/pump" }?.readings.first?.v == .bool(false))
    #expect(world.drives.count == 2)
  }

  @Test func anOutputTakesItsLostStateAfterItsTimeWithoutALink() throws {
    let world = try World.online(profile(points))
    world.publish("cmd/pump", "on")
    world.network.answer = .refuses
    world.forget()
    world.cut()
    let cut = world.now
    world.run(.milliseconds(29_999))
    #expect(world.drives.isEmpty)
    world.run(.seconds(60))
    #expect(
      world.drives == [World.Switching(point: "valve", level: false, at: cut + .seconds(30))],
      "the pump has no such state: it stays on")
    world.network.answer = .accepts
    world.run(.seconds(130))
    #expect(world.drives.count == 1, "the link brings nothing back by itself")
    let late = world.heard.filter { $0.topic == "history" }.flatMap(\.readings)
    #expect(late.contains { $0.p == "valve" && $0.v == .bool(false) })
    #expect(world.heard.last { $0.topic == "state/valve" }?.readings.first?.v == .bool(false))
    #expect(world.heard.last { $0.topic == "state/pump" }?.readings.first?.v == .bool(true))
  }

  @Test func aLinkThatComesBackInTimeLeavesOutputsAlone() throws {
    let world = try World.online(profile(points, uplink: #""backoff": {"max": "2s"}"#))
    world.forget()
    for _ in 0..<5 {
      world.network.answer = .refuses
      world.cut()
      world.run(.seconds(25))
      world.network.answer = .accepts
      world.run(.seconds(4))
      #expect(world.isOnline)
    }
    #expect(world.drives.isEmpty)
  }

  @Test func aDeviceThatNeverFindsItsBrokerCountsFromItsStart() throws {
    let world = try World(profile(points))
    world.network.answer = .isSilent
    let start = world.now
    world.run(.seconds(60))
    #expect(
      world.drives.last == World.Switching(point: "valve", level: false, at: start + .seconds(30)))
    #expect(world.drives.count == 3)
  }

  @Test func aHalfOpenLinkCountsAsLostOnceItIsNoticed() throws {
    let world = try World.online(profile(points))
    world.network.answer = .isSilent
    world.network.die()
    let died = world.now
    world.forget()
    world.run(.seconds(120))
    let drive = try #require(world.drives.first)
    #expect(drive.point == "valve" && !drive.level)
    // Keep-alive, its answer's time, and the output's own time.
    #expect(drive.at - died <= .seconds(30 + 10 + 30) && drive.at - died >= .seconds(30))
  }

  @Test func anOutputGoesBackToItsStartStateWhenItsTimeIsOver() throws {
    let world = try World.online(profile(points))
    world.forget()
    world.publish("cmd/pump", #"{"v":true,"for":"90s","id":"1"}"#)
    let switched = world.now
    #expect(world.results == ["1 pump done true"])
    // Also without a link.
    world.network.answer = .refuses
    world.cut()
    world.run(.milliseconds(89_999))
    #expect(world.drives.filter { $0.point == "pump" }.count == 1)
    world.run(.seconds(10))
    #expect(
      world.drives.last { $0.point == "pump" }
        == World.Switching(point: "pump", level: false, at: switched + .seconds(90)))
  }

  @Test func aNewCommandTakesThePlaceOfARunningTime() throws {
    let world = try World.online(profile(points))
    world.publish("cmd/pump", #"{"v":true,"for":"10s"}"#)
    world.run(.seconds(5))
    world.publish("cmd/pump", "on")
    world.forget()
    world.run(.seconds(60))
    #expect(world.drives.isEmpty)
  }

  @Test func outputsTakeTheirStopStateAndSayItBeforeOffline() throws {
    let world = try World.online(profile(points))
    world.publish("cmd/pump", "on")
    world.publish("cmd/valve", "off")
    world.forget()
    world.stop()
    world.run(.seconds(4))
    #expect(world.isStopped)
    #expect(world.drives.map { "\($0.point) \($0.level)" } == ["pump false", "valve true"])
    #expect(
      world.heard.map(\.topic).filter { $0 != "diag" }
        == ["status", "state/pump", "state/valve", "status"])
    #expect(world.heard.last?.status?.state == "offline")
  }

  @Test func outputsTakeTheirStopStateWithoutALinkToo() throws {
    let world = try World.online(profile(points))
    world.publish("cmd/pump", "on")
    world.network.answer = .refuses
    world.cut()
    world.forget()
    world.stop()
    #expect(world.isStopped)
    #expect(world.drives.contains { $0.point == "pump" && !$0.level })
  }
}
