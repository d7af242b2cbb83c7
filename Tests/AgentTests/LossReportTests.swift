import Core
import Testing

/// What the health report says of losses when there is more than it has room for.
@Suite struct LossReportTests {
  private static let names = (0..<24).map { "temperature-sensor-\($0)" }

  private func report(packet: String) throws -> Diagnostics {
    let points = Self.names.map { name in
      """
      "\(name)": {"kind": "sensor", "thermal": "cpu-thermal", "every": "1s", "keep": {"class": "state"},
        "simulate": {"wave": "triangle", "mean": 50, "amplitude": 10, "period": "977s"}}
      """
    }
    let world = try World.online(
      profile(points.joined(separator: ","), uplink: #""packet": "\#(packet)""#))
    world.beWithoutLink(.seconds(60))
    world.network.answer = .accepts
    world.run(.seconds(200))
    return try #require(world.lastDiagnostics)
  }

  @Test func pointsForWhichThereIsNoRoomAreCounted() throws {
    let short = try report(packet: "2KiB")
    #expect(short.losses.count > 3 && short.losses.count < Self.names.count)
    #expect(short.losses.count + (short.lossesMore ?? 0) == Self.names.count)
    #expect(Set(short.losses.keys).isSubset(of: Self.names))
  }

  @Test func nothingIsSaidOfThemWhereAllHaveRoom() throws {
    let long = try report(packet: "16KiB")
    #expect(long.losses.count == Self.names.count && long.lossesMore == nil)
  }
}
