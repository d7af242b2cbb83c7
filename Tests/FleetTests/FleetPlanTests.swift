import Core
import Profile
import Testing

@testable import Fleet

/// What the devices of a fleet have in common.
struct FleetPlanTests {
  private static func plan(id: String, devices: Int) throws -> FleetPlan? {
    let profile = """
      {"device": {"id": "\(id)"}, "points": {"air": {"kind": "sensor", "simulated": true}}}
      """
    let configuration = try #require(ProfileReader.read(Array(profile.utf8)).configuration)
    return FleetPlan(configuration, deviceCount: devices, seed: 1)
  }

  @Test func devicesAreNumberedFromOneWithFiveDigitsAtLeast() throws {
    let small = try #require(try Self.plan(id: "greenhouse", devices: 3))
    #expect(small.id(of: 1) == "greenhouse-00001")
    let large = try #require(try Self.plan(id: "greenhouse", devices: 100_000))
    #expect(large.id(of: 42) == "greenhouse-000042")
  }

  @Test func identifiersThatWouldBeTooLongAreRefused() throws {
    #expect(try Self.plan(id: String(repeating: "x", count: 58), devices: 1) != nil)
    #expect(try Self.plan(id: String(repeating: "x", count: 59), devices: 1) == nil)
  }

  @Test func everyDeviceTakesWhatThePlanSays() throws {
    let plan = try #require(try Self.plan(id: "t", devices: 12))
    for number in [1, 9, 10, 12] {
      var arena = Arena()
      _ = plan.makeParts(
        of: number, at: Moment(instant: .boot, wall: WallTime(milliseconds: 0), quality: .none),
        &arena)
      #expect(arena.used == plan.deviceBytes)
    }
  }
}
