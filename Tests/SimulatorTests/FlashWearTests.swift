import Core
import Profile
import Scenarios
import Testing

@testable import Simulator

/// Flash that bears so much and no more.
@Suite struct FlashWearTests {
  private func write(_ flash: SimulatedFlash, at offset: Int, _ count: Int = 1) -> StorageFault? {
    var storage = FlashStorage(flash: flash)
    do throws(StorageFault) {
      try storage.write([UInt8](repeating: 1, count: count).span, at: offset)
      return nil
    } catch {
      return error
    }
  }

  @Test func aSectorAtItsEndIsNotWrittenAndTheOthersAre() {
    let flash = SimulatedFlash(bytes: 4 * 512, sectorBytes: 512)
    flash.bears(bytes: 0, cycles: 3)
    for _ in 0..<3 { #expect(write(flash, at: 600) == nil) }
    #expect(flash.wear.wornSectors == [1] && flash.fault == nil)
    #expect(write(flash, at: 1_023) == .failed(code: 5))
    // One write over several sectors is none when one of them can't be written.
    #expect(write(flash, at: 510, 4) == .failed(code: 5))
    for offset in [0, 1_024, 1_536] { #expect(write(flash, at: offset) == nil) }
    #expect(flash.wear.most == 3)
  }

  @Test func aMediumThatSpreadsItsWearCanOnlyBeReadAtItsEnd() {
    let flash = SimulatedFlash(bytes: 4 * 512, sectorBytes: 512)
    flash.bears(bytes: 2_048, cycles: 0)
    #expect(write(flash, at: 0, 1_024) == nil)
    #expect(write(flash, at: 1_024, 1_024) == nil)
    #expect(flash.wear.isWorn && write(flash, at: 0) == .readOnly)
    // A fault that comes and goes changes nothing.
    flash.fault = .failed(code: 5)
    flash.fault = nil
    #expect(flash.fault == .readOnly)
  }

  @Test func soManySectorsAreAtTheirEndAndNoMoreThanThereAre() {
    var chance = Generator(seed: 1)
    let flash = SimulatedFlash(bytes: 8 * 512, sectorBytes: 512)
    flash.wearOut(sectors: 3, &chance)
    #expect(flash.wear.wornSectors.count == 3)
    flash.wearOut(sectors: 100, &chance)
    #expect(flash.wear.wornSectors.count == 8 && flash.fault == nil)
    flash.wearOut(sectors: 0, &chance)
    #expect(flash.fault == .readOnly)
  }

  private static let profile = """
    {"device": {"id": "d", "diagnostics": "0s"},
     "broker": {"url": "mqtt://localhost", "keepAlive": "30s"},
     "uplink": {"outbox": "16KiB"},
     "journal": {"size": "64KiB", "after": "10s"},
     "points": {"air": {"kind": "sensor", "simulated": true, "every": "10s"}}}
    """

  /// A day in which the link is away for half of each hour, on flash that bears so much.
  private func day(bytes: Double = 0, cycles: Int = 0, _ more: [Happening] = []) throws -> Course {
    let reading = ProfileReader.read(Array(Self.profile.utf8))
    let configuration = try #require(reading.configuration, "\(reading.problems.map(\.message))")
    var simulation = Simulation(configuration, link: ("cable", LinkConditions()))
    var hardware = Hardware()
    (hardware.endurance, hardware.cycles) = (bytes, cycles)
    simulation.hardware = hardware
    var cut = Happening(.cut, at: .seconds(900), for: .seconds(1_800))
    cut.every = .seconds(3_600)
    simulation.scenario.happenings = [cut] + more
    return simulation.run().course
  }

  @Test func aLifeWearsItsFlashOutAndKeepsItsPromises() throws {
    let fresh = try day(bytes: 1e12, cycles: 1_000_000)
    #expect(fresh.violations == [] && !fresh.sums.isFlashWorn)
    #expect(fresh.sums.flashSectorWrites > 10)
    let cut = Happening(.powerCut, at: .seconds(50_000), for: .seconds(60))
    let card = try day(bytes: Double(fresh.sums.flashBytes / 4), [cut])
    #expect(card.violations == [] && card.sums.isFlashWorn)
    let bare = try day(cycles: fresh.sums.flashSectorWrites / 4, [cut])
    #expect(bare.violations == [] && bare.sums.isFlashWorn)
  }

  @Test func bareFlashLastsAsLongAsTheSectorThatIsWrittenMost() throws {
    let sums = try day(cycles: 100_000).sums
    let years = try #require(sums.flashYears)
    let lifetime = 100_000 / Double(sums.flashSectorWrites) / 365
    // The life goes on for a while after its day.
    #expect(abs(years / lifetime - 1) < 0.05)
  }

  @Test func whatIsWornOutStaysSoWhenAllFaultsAreOver() throws {
    let course = try day([Happening(.wearOut, at: .seconds(20_000))])
    #expect(course.violations == [] && course.sums.isFlashWorn)
  }
}
