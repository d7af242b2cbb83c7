import Broker
import Core
import Scenarios

/// One broker of the profile, in a world: the broker, the way that leads to it, and what it says of the
/// device.
///
/// The device has one connection at a time, to the site that it has dialled last. At all others nothing is
/// under way any more, but a broker may still believe in a connection whose end it was not told, and may have
/// somebody else under the device's name.
final class BrokerSite {
  /// Which it is, as the profile lists them, from 1 on.
  let number: Int
  /// What logs say before the topics of what is heard here: nothing where there is one broker only.
  let mark: [UInt8]
  var broker = MessageBroker(isObserved: true)
  var way: Way
  /// The broker takes connections.
  var isUp = true
  /// The last word here on the device's status, and whether it is true.
  var truth: Truth
  /// The broker refuses who connects, so; nil while it does not.
  var refusal: Happening.Refusal? { didSet { setRules() } }
  /// Somebody else's connection under the device's name.
  private var rival: ConnectionID?
  /// When that one, thrown out, comes again.
  private(set) var rivalReturns = Instant.never

  /// The broker number `number` of so many.
  init(_ number: Int, of count: Int, _ link: LinkConditions, seed: UInt64, keepAlive: Interval) {
    self.number = number
    mark = count > 1 ? Array("\(number) ".utf8) : []
    way = Way(link, seed: seed)
    truth = Truth(keepAlive: keepAlive)
  }

  /// Where something was, for people: nothing where there is one broker only.
  var place: String { mark.isEmpty ? "" : " at broker \(number)" }

  /// How logs call the broker.
  var title: String { mark.isEmpty ? "broker" : "broker \(number)" }

  // MARK: The device's connection

  /// What an attempt to connect meets.
  var answer: Way.Answer { isUp || way.answer != .accepts ? way.answer : .refuses }

  /// True while whoever connects finds what he is looking for.
  var isWell: Bool {
    isUp && way.isWell && refusal == nil && rival == nil && rivalReturns == .never
  }

  func open(at now: Instant) { way.open(&broker, at: now) }

  func close(at now: Instant) { way.close(&broker, at: now) }

  func reset(at now: Instant) { way.reset(&broker, at: now) }

  /// Brings the broker what has arrived and the time; false when there is nothing to do.
  func serve(at now: Instant) -> Bool {
    guard way.hasBusiness(with: broker, at: now) else { return false }
    way.serve(&broker, at: now)
    return true
  }

  // MARK: Faults

  /// All faults of the broker and of the way are over.
  func calm(_ link: LinkConditions, at now: Instant) {
    way.heal()
    way.link = link
    way.idleMax = link.idleMax
    way.answerDelay = .zero
    isUp = true
    refusal = nil
    rivalLeaves(at: now)
  }

  /// The broker ends and starts again at once, with or without what it knew.
  func restart(forgetting: Bool, at now: Instant) {
    way.brokerEnds(&broker, at: now)
    if forgetting {
      broker = MessageBroker(isObserved: true)
      setRules()
      truth.forget()
    }
    rival = nil
  }

  /// Tells the broker whom it is to refuse.
  private func setRules() {
    guard let refusal else {
      broker.rules.login = nil
      return
    }
    broker.rules.login = { _ in
      switch refusal {
      case .busy: .serverUnavailable
      case .badCredentials: .badUserNameOrPassword
      case .notAuthorized: .notAuthorized
      }
    }
  }

  // MARK: Somebody else

  /// Somebody else connects under the device's name.
  func rivalConnects(as name: [UInt8], at now: Instant) {
    rivalReturns = .never
    guard isUp, rival == nil else { return }
    let id = broker.open(at: now)
    rival = id
    // CONNECT (MQTT 3.1.1, section 3.1): clean session, no keep-alive.
    var packet: [UInt8] = [0, 4] + Array("MQTT".utf8) + [4, 2, 0, 0, 0, UInt8(name.count)] + name
    packet = [0x10, UInt8(packet.count)] + packet
    broker.receive(packet.span, from: id, at: now)
  }

  /// The other one is as patient as most clients are: thrown out, it comes again five seconds later.
  func lookAfterRival(at now: Instant) {
    guard let id = rival, broker.isFinished(id) else { return }
    rival = nil
    rivalReturns = now + .seconds(5)
  }

  /// That one is gone for good.
  func rivalLeaves(at now: Instant) {
    rivalReturns = .never
    guard let rival else { return }
    self.rival = nil
    broker.closed(rival, at: now)
  }
}
