import Broker
import Core
import Device
import MQTT

/// Faults at random: what goes wrong, how often and how badly, all from one seed.
public struct Chaos {
  /// What can go wrong.
  enum Fault: CaseIterable {
    case reset, halfOpen, deaf, outage, refused, silent, nameUnknown
    case brokerRestart, brokerForgets, brokerDown
    case powerCut, kill, reload
    case clockStep, clockSet
    case sensorFails, burst, forgedStatus, command
    case flashFails, slowLink, throwsOut
  }

  private var chance: Generator
  private var weights: [UInt64]
  private let link: LinkConditions
  /// Things that end by themselves: when, and which.
  private var ends: [(at: Instant, end: (World) -> Void)] = []
  private let pause: Interval

  /// Faults for a world, about `perDay` of them. Each seed leaves out some kinds.
  public init(seed: UInt64, perDay: Int, link: LinkConditions) {
    chance = Generator(seed: seed)
    self.link = link
    pause = .seconds(2 * 86_400 / Int64(perDay))
    weights = Fault.allCases.map { _ in 0 }
    for index in weights.indices where chance.next(below: 4) > 0 {
      weights[index] = 1 + chance.next(below: 8)
    }
    if weights.allSatisfy({ $0 == 0 }) { weights[0] = 1 }
  }

  /// Lets a world live with them for `length`, and then in peace until all has settled.
  public mutating func run(_ world: World, for length: Interval) {
    let end = world.now + length
    while world.now < end {
      var next = min(end, world.now + chance.interval(below: pause))
      if let first = ends.map(\.at).min() { next = min(next, max(first, world.now)) }
      world.run(until: next)
      let due = ends.filter { $0.at <= world.now }
      ends.removeAll { $0.at <= world.now }
      for each in due { each.end(world) }
      if due.isEmpty, next < end { strike(world) }
    }
    for each in ends { each.end(world) }
    ends = []
    heal(world)
  }

  private func heal(_ world: World) {
    world.way.heal()
    world.way.link = link
    world.isBrokerUp = true
    world.flash.fault = nil
    if world.device == nil { world.startProcess() }
    world.setClock()
    world.run(until: world.now + world.settlingMax)
  }

  private mutating func strike(_ world: World) {
    let total = weights.reduce(0, +)
    var place = chance.next(below: total)
    var fault = Fault.reset
    for (index, weight) in weights.enumerated() {
      if place < weight {
        fault = Fault.allCases[index]
        break
      }
      place -= weight
    }
    world.noteFault("\(fault)")
    bring(fault, to: world)
  }

  /// Something ends after a time of up to `longest`, mostly much less.
  private mutating func later(
    _ longest: Interval, in world: World, _ end: @escaping (World) -> Void
  ) {
    let most = chance.next(below: 4) == 0 ? longest : longest / 20
    ends.append((world.now + chance.interval(below: most) + .milliseconds(1), end))
  }

  private mutating func bring(_ fault: Fault, to world: World) {
    switch fault {
    case .reset, .halfOpen, .deaf, .outage, .refused, .silent, .nameUnknown, .slowLink, .throwsOut:
      disturb(fault, world)
    case .brokerRestart: world.restartBroker(forgetting: false)
    case .brokerForgets: world.restartBroker(forgetting: true)
    case .brokerDown:
      world.isBrokerUp = false
      world.restartBroker(forgetting: chance.next(below: 2) == 0)
      later(.seconds(7_200), in: world) { $0.isBrokerUp = true }
    case .powerCut:
      world.powerOff()
      later(.seconds(3_600), in: world) { world in if world.device == nil { world.powerOn() } }
    case .kill:
      world.kill()
      later(.seconds(20), in: world) { world in world.startProcess() }
    case .reload:
      world.stop()
      later(.seconds(120), in: world) { world in world.startProcess() }
    case .clockStep:
      let step = Int64(chance.next(below: 7_200_000)) - 3_600_000
      world.stepClock(by: step)
      later(.seconds(3_600), in: world) { $0.setClock() }
    case .clockSet: world.setClock()
    case .sensorFails, .burst, .forgedStatus, .command: touch(fault, world)
    case .flashFails:
      let faults: [StorageFault] = [.full, .readOnly, .failed(code: 5)]
      world.flash.fault = faults[Int(chance.next(below: 3))]
      later(.seconds(1_800), in: world) { $0.flash.fault = nil }
    }
  }

  private mutating func disturb(_ fault: Fault, _ world: World) {
    switch fault {
    case .halfOpen: world.way.die(at: world.now)
    case .deaf: world.way.deafen(at: world.now)
    case .outage:
      world.way.answer = .isSilent
      world.way.block(until: world.now + .seconds(100_000))
      later(.seconds(21_600), in: world) { $0.way.heal() }
    case .refused, .silent, .nameUnknown:
      world.way.answer =
        fault == .refused ? .refuses : fault == .silent ? .isSilent : .nameUnknown
      world.resetConnection()
      later(.seconds(7_200), in: world) { $0.way.heal() }
    case .slowLink:
      world.way.link.latency = world.way.link.latency + chance.interval(below: .seconds(4))
      world.way.link.upRate = max(1_000, world.way.link.upRate / 8)
      let link = link
      later(.seconds(3_600), in: world) { $0.way.link = link }
    case .throwsOut:
      world.way.throwsOutAfter = chance.interval(below: .seconds(40))
      world.resetConnection()
      later(.seconds(7_200), in: world) { $0.way.heal() }
    default: world.resetConnection()
    }
  }

  private mutating func touch(_ fault: Fault, _ world: World) {
    let points = world.configuration.points
    let point = Int(chance.next(below: UInt64(points.count)))
    switch fault {
    case .sensorFails:
      let faults: [PointFault] = [.missing, .timedOut, .unreadable]
      world.fail(point, faults[Int(chance.next(below: 3))])
      later(.seconds(1_800), in: world) { $0.fail(point, nil) }
    case .burst:
      for round in 0..<chance.next(below: 200) { world.hold(point, Double(round % 2)) }
      later(.seconds(60), in: world) { $0.hold(point, nil) }
    case .forgedStatus:
      world.publish("status", #"{"state":"lost","session":1}"#, retain: true)
    default:
      let name = world.configuration.string(points[point].name)
      let payloads = ["true", "false", "{\"v\":", "{\"v\":true,\"v\":false}", "2"]
      let payload = payloads[Int(chance.next(below: UInt64(payloads.count)))]
      world.publish("cmd/\(name)", payload, retain: chance.next(below: 3) == 0)
    }
  }
}
