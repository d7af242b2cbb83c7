import Core
import Testing

/// The agent's report of its own health.
@Suite struct DiagnosticsTests {
  /// More than one report has room for: they take turns.
  @Test func theLossesOfEachOfManyPointsAreTold() throws {
    let points = (10..<60).map { number in
      #""s\#(number)": {"kind": "sensor", "w1": "28-00000a1b2c\#(number)", "every": "1s", "#
        + #""simulate": {"wave": "triangle", "mean": 20, "amplitude": 5}}"#
    }
    let world = try World.online(
      profile(
        points.joined(separator: ","), device: #""diagnostics": "5s""#,
        uplink: #""backoff": {"max": "2s"}, "outbox": "8KiB""#))
    world.beWithoutLink(.seconds(300))
    world.network.answer = .accepts
    world.run(.seconds(60))
    world.forget()
    world.run(.seconds(60))
    let told = world.heard.compactMap(\.diagnostics).map { Set($0.losses.keys) }
    #expect(told.allSatisfy { $0.count > 2 && $0.count < 50 })
    #expect(told.reduce(Set()) { $0.union($1) }.count == 50)
  }
}
