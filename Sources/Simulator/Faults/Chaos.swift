import Core
import Device
import Profile
import Scenarios

/// Faults at random: what goes wrong, how often and how badly, all from one seed.
public struct Chaos {
  private var chance: Generator
  private var weights: [UInt64]
  private let pause: Interval

  /// Faults, about `faults.perDay` of them; each seed leaves out some kinds. What is worn out stays so, and
  /// all that comes after would show that alone: only who asks for it gets it.
  public init(_ faults: ChanceOfFaults, seed: UInt64) {
    chance = Generator(seed: seed)
    pause = .seconds(2 * 86_400 / Int64(faults.perDay))
    weights = Fault.allCases.map { _ in 0 }
    for (index, fault) in Fault.allCases.enumerated() {
      guard fault != .wearOut || faults.only.contains(fault) else { continue }
      let isWanted = faults.only.isEmpty ? fault != .heal : faults.only.contains(fault)
      guard chance.next(below: 4) > 0 || !faults.only.isEmpty else { continue }
      weights[index] = isWanted ? 1 + chance.next(below: 8) : 0
    }
    if weights.allSatisfy({ $0 == 0 }) { weights[Int(Fault.reset.rawValue)] = 1 }
  }

  /// What happens within `length`, in order of time.
  public mutating func happenings(
    within length: Interval, _ configuration: Configuration
  ) -> [Happening] {
    var all: [Happening] = []
    // A board that does not know the time when it is first switched on.
    if weights[Int(Fault.clockUnset.rawValue)] > 0, chance.next(below: 4) == 0 {
      all.append(Happening(.clockUnset, for: after(.seconds(3_600))))
    }
    var at = time(below: pause)
    while at < length {
      all.append(happening(at, configuration))
      at = at + time(below: pause) + .milliseconds(1)
    }
    return all
  }

  private mutating func happening(_ at: Interval, _ configuration: Configuration) -> Happening {
    var place = chance.next(below: weights.reduce(0, +))
    var fault = Fault.reset
    for (index, weight) in weights.enumerated() {
      if place < weight {
        fault = Fault.allCases[index]
        break
      }
      place -= weight
    }
    var happening = Happening(fault, at: at)
    if fault.lasts { happening.length = after(longest(fault)) }
    addDetails(&happening, configuration)
    let brokers = configuration.uplink.dial.brokerCount
    if fault.isAtBroker, brokers > 1 {
      let broker = Int(chance.next(below: UInt64(brokers + 1)))
      happening.broker = broker > 0 ? broker : nil
    }
    return happening
  }

  /// A time of up to `longest`, mostly much less.
  private mutating func after(_ longest: Interval) -> Interval {
    let most = chance.next(below: 4) == 0 ? longest : longest / 20
    return time(below: most) + .milliseconds(1)
  }

  /// To the millisecond, as scenarios spell it.
  private mutating func time(below bound: Interval) -> Interval {
    .milliseconds(chance.interval(below: bound).milliseconds)
  }

  private func longest(_ fault: Fault) -> Interval {
    switch fault {
    case .cut: .seconds(21_600)
    case .refuse, .silence, .nameUnknown, .portal, .restart, .throwOut: .seconds(7_200)
    case .reject, .takeOver, .delay: .seconds(1_800)
    case .kill: .seconds(20)
    case .reload: .seconds(120)
    case .break, .hold, .flashFull, .flashReadOnly, .flashFails: .seconds(1_800)
    default: .seconds(3_600)
    }
  }

  private mutating func addDetails(_ happening: inout Happening, _ configuration: Configuration) {
    switch happening.fault {
    case .slow:
      happening.by = time(below: .seconds(4))
      happening.rate = 1_000 + Int(chance.next(below: 4_000))
    case .delay: happening.by = time(below: .seconds(8))
    case .forgetIdle: happening.by = .seconds(5) + time(below: .seconds(120))
    case .throwOut: happening.by = time(below: .seconds(40))
    case .restart:
      happening.forgets = chance.next(below: 2) == 0
      if chance.next(below: 2) == 0 { happening.length = .zero }
    case .reject:
      let all = Happening.Refusal.allCases
      happening.refusal = all[Int(chance.next(below: UInt64(all.count)))]
    case .publish: addMessage(&happening, configuration)
    case .clockStep: happening.by = .seconds(Int64(chance.next(below: 7_200)) - 3_600)
    case .break:
      happening.point = point(configuration)
      let faults = Happening.pointFaults
      happening.pointFault = faults[Int(chance.next(below: UInt64(faults.count)))]
    case .hold:
      happening.point = point(configuration)
      happening.value = Double(chance.next(below: 2))
    case .bounce:
      happening.point = point(configuration)
      happening.count = 1 + Int(chance.next(below: 200))
    case .rot, .wearOut: happening.count = 1 + Int(chance.next(below: 4))
    default: break
    }
  }

  private mutating func point(_ configuration: Configuration) -> [UInt8] {
    let points = configuration.points
    let name = points[Int(chance.next(below: UInt64(points.count)))].name
    return Array(configuration.string(name).utf8)
  }

  /// The will of an old session, or a command, good or bad, retained now and then.
  private mutating func addMessage(
    _ happening: inout Happening, _ configuration: Configuration
  ) {
    if chance.next(below: 2) == 0 {
      happening.topic = Array("status".utf8)
      happening.payload = Array(#"{"state":"lost","session":1}"#.utf8)
      happening.retain = true
    } else {
      happening.topic = Array("cmd/".utf8) + point(configuration)
      let payloads = ["true", "false", "{\"v\":", "{\"v\":true,\"v\":false}", "2"]
      happening.payload = Array(payloads[Int(chance.next(below: UInt64(payloads.count)))].utf8)
      happening.retain = chance.next(below: 3) == 0
    }
  }
}
