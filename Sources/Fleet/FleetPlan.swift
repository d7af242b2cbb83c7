import Agent
import Core
import Device
import Linux
import Profile
import SimulatedBoard

/// What the devices of a fleet have in common: the profile, and the names that they get from it.
public struct FleetPlan: Sendable {
  /// The profile. Its journal is left out: a fleet keeps everything in memory.
  public let configuration: Configuration
  /// How many devices there are.
  public let deviceCount: Int
  /// What chance is seeded with; each device draws from a chance of its own.
  public let seed: UInt64
  /// Bytes of each device's arena.
  public let deviceBytes: Int
  private let id: [UInt8]
  private let digits: Int

  /// The longest identifier of a device, in bytes, as in a profile.
  public static var idBytesMax: Int { 64 }

  /// A plan for 1 to 1,000,000 devices; nil when their identifiers would be too long.
  public init?(_ configuration: Configuration, deviceCount: Int, seed: UInt64) {
    precondition((1...1_000_000).contains(deviceCount))
    var own = configuration
    own.uplink.journalBytes = 0
    // The fleet knows the way to the profile's own brokers only.
    own.uplink.followsReferences = false
    self.configuration = own
    self.deviceCount = deviceCount
    self.seed = seed
    id = Array(configuration.string(configuration.device.id).utf8)
    digits = max(5, String(deviceCount).utf8.count)
    guard id.count + 1 + digits <= Self.idBytesMax else { return nil }
    // What is measured is what is built: nothing depends on the number but the bytes of its digits.
    var arena = Arena()
    let texts = Self.texts(own, id: Self.id(id, digits, 1))
    _ = Self.build(own, texts, seed: seed, at: Clock.moment(), &arena)
    deviceBytes = arena.used
  }

  /// The identifier of device `number`, from 1 on: "greenhouse-00042".
  public func id(of number: Int) -> String {
    String(decoding: Self.id(id, digits, number), as: UTF8.self)
  }

  private static func id(_ base: [UInt8], _ digits: Int, _ number: Int) -> [UInt8] {
    let text = Array(String(number).utf8)
    return base + [UInt8(ascii: "-")]
      + Array(repeating: UInt8(ascii: "0"), count: max(0, digits - text.count)) + text
  }

  /// The parts that lie in a device's arena.
  struct Parts: ~Copyable {
    var agent: DeviceAgent<NoStorage>
    var board: VirtualBoard
    var flights: Table<Flight>
  }

  /// Device `number`, in memory from `arena`, of which it takes `deviceBytes`.
  func makeParts(of number: Int, at moment: Moment, _ arena: inout Arena) -> Parts {
    var chance = Generator(seed: seed &+ UInt64(number) &* 0x9E37_79B9_7F4A_7C15)
    return Self.build(
      configuration, Self.texts(configuration, id: Self.id(id, digits, number)),
      seed: chance.next(), at: moment, &arena)
  }

  /// The profile's strings, and behind them the device's identifier.
  private static func texts(_ configuration: Configuration, id: [UInt8]) -> [UInt8] {
    configuration.texts + id
  }

  private static func build(
    _ configuration: Configuration, _ texts: [UInt8], seed: UInt64, at moment: Moment,
    _ arena: inout Arena
  ) -> Parts {
    let start = configuration.texts.count
    var specs = AgentSpecs(device: configuration.device, uplink: configuration.uplink)
    specs.device.id = Text(
      offset: UInt32(truncatingIfNeeded: start),
      count: UInt32(truncatingIfNeeded: texts.count - start))
    let identity = Identity(
      version: "fleet", bootID: bootID(seed), lastSession: 0, seed: seed)
    let agent = DeviceAgent(
      specs, points: configuration.points.span, texts: texts.span, boardDebounces: false,
      identity: identity, medium: NoStorage(), at: moment, arena: &arena)
    let board = VirtualBoard(
      points: configuration.points.span, simulations: configuration.simulations.span,
      seed: seed, start: moment.instant, arena: &arena)
    let flights = arena.table(
      "publishes under way, for their times", count: configuration.uplink.inflight + 8,
      filledWith: Flight())
    return Parts(agent: agent, board: board, flights: flights)
  }

  /// A boot of its own for each run of a device: 36 letters.
  private static func bootID(_ seed: UInt64) -> InlineArray<36, UInt8> {
    var id = InlineArray<36, UInt8>(repeating: UInt8(ascii: "0"))
    for index in 0..<16 {
      id[index] = UInt8(ascii: "a") + UInt8(seed >> UInt64(4 * index) & 0xF)
    }
    return id
  }
}
