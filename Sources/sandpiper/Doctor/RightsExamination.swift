import Agent
import Core
import Device
import Linux
import MQTT
import Profile
import Uplink

/// What the broker lets the device do on its very topics, asked for without a reading, a retained message or
/// a command that anybody would see.
///
/// Subscriptions are asked for as the agent does; SUBACK answers.
///
/// Publishing is asked for by a message at QoS 2 that is never released: a broker of 5.0 says in PUBREC
/// whether it takes it, and is to hand it on only at PUBREL (5.0 section 4.3.3). Here the connection closes
/// first, so it never does. Some brokers hand it on at once, which the standard allows. So it is first tried
/// out on `<base>/<id>/doctor`, a topic that nobody else uses, with an empty message that is not retained:
/// only if that comes back after PUBREL, and not before, are the profile's topics asked for. Brokers of 3.1.1
/// do not say what they refuse.
struct RightsExamination {
  private let configuration: Configuration
  private let place: Words
  private let broker: Int
  private let level: ProtocolLevel
  private let password: [UInt8]
  private let patience: Interval
  /// `<base>/<id>/`
  private let prefix: Words

  /// How long a message that is handed on too early may take for its way.
  private static let tooEarly = Interval.milliseconds(500)
  /// Connections that asking for all topics may take.
  private static let connectionsMax = 32
  private static var trial: Words { "doctor" }

  init(
    _ configuration: Configuration, _ place: Words, broker: Int, level: ProtocolLevel,
    password: [UInt8], patience: Interval
  ) {
    self.configuration = configuration
    (self.place, self.broker, self.level) = (place, broker, level)
    (self.password, self.patience) = (password, patience)
    let device = configuration.device
    prefix = "\(configuration.words(device.base))/\(configuration.words(device.id))/"
  }

  /// Asks over a connection that the broker has accepted, and ends it.
  func perform(_ visit: inout BrokerVisit, _ report: inout Report) {
    let limits = visit.session.serverLimits
    if !limits.retainAvailable || limits.maximumQoS == .atMostOnce {
      let lack: Words = limits.retainAvailable ? "QoS 1" : "retained messages"
      report.broken(
        .broker, "\(place): the broker takes no \(lack), which the status needs",
        fix: "allow it in the broker's configuration (Mosquitto: retain_available, max_qos)")
    }
    guard subscribe(&visit, &report) else { return }
    if level == .v50 && limits.maximumQoS == .exactlyOnce {
      publish(&visit, &report)
    } else {
      visit.leave()
      tellUnknown(
        level == .v50 ? "it has no QoS 2 to ask with" : "before MQTT 5.0 brokers do not tell",
        fix: "see the broker's log while the agent runs, and its rights for \(prefix)#", &report)
    }
  }

  private func tellUnknown(_ reason: Words, fix: Words, _ report: inout Report) {
    report.worthKnowing(
      .broker, "\(place): whether it takes what is published is not known: \(reason)", fix: fix)
  }

  // MARK: Subscribing

  /// False when the connection has ended meanwhile.
  private func subscribe(_ visit: inout BrokerVisit, _ report: inout Report) -> Bool {
    var refused = NameList()
    var word = Words()
    var filters: [Words] = ["status", "diag", "cmd/+"]
    if configuration.care.isOn { filters.append("care") }
    for tail in filters {
      switch ask(for: tail, &visit, &word) {
      case true?: break
      case false?: refused.append("\(prefix)\(tail)")
      case nil:
        report.broken(
          .broker, "\(place): no answer to a subscription to \(prefix)\(tail)",
          fix: "see the broker's log: some close the connection for a topic that is not allowed")
        return false
      }
    }
    if refused.isEmpty {
      report.fine(
        .broker,
        configuration.care.isOn
          ? "\(place): grants the subscriptions to status, diag, cmd/+ and care"
          : "\(place): grants the subscriptions to status, diag and cmd/+")
    } else {
      report.broken(
        .broker, "\(place): refuses a subscription to \(refused.words)",
        fix: "let the device read \(prefix)# in the broker's access list")
    }
    if !word.isEmpty {
      report.fine(.broker, "\(place): the last word there on the device is \"\(word)\"")
    }
    return true
  }

  /// Whether the broker grants a subscription; nil when it does not answer. `word` becomes the state of a
  /// retained status.
  private func ask(
    for tail: Words, _ visit: inout BrokerVisit, _ word: inout Words
  ) -> Bool? {
    let filter: Words = "\(prefix)\(tail)"
    guard let request = try? visit.session.subscribe(filter: filter.bytes.span, qos: .atMostOnce)
    else {
      return false
    }
    let deadline = Clock.now() + patience
    while let event = visit.nextEvent(by: deadline) {
      switch event {
      case .subscribed(let granted) where granted.packetID == request:
        return visit.session.withPacket { bytes in bytes[granted.codes][0] < 0x80 }
      case .message(let message) where message.retain:
        visit.session.withMessage(message) { _, payload in
          if let state = Self.state(in: payload) { word = state }
        }
      default: break
      }
    }
    return nil
  }

  /// The state that a status begins with: `{"state":"online",...`. Letters only.
  private static func state(in payload: Span<UInt8>) -> Words? {
    let lead: StaticString = "{\"state\":\""
    let start = lead.utf8CodeUnitCount
    guard payload.count > start, payload.extracting(0..<start).equals(lead) else { return nil }
    var word: [UInt8] = []
    for index in start..<min(payload.count, start + 16) {
      guard payload[index] | 0x20 >= UInt8(ascii: "a"), payload[index] | 0x20 <= UInt8(ascii: "z")
      else { break }
      word.append(payload[index])
    }
    return Words(word)
  }

  // MARK: Publishing

  private func publish(_ visit: inout BrokerVisit, _ report: inout Report) {
    guard tryOut(&visit, &report) else { return visit.close() }
    let tails = self.tails
    var refused = NameList()
    var count = 0
    var batch = BrokerVisit.windowMax
    for _ in 0..<Self.connectionsMax where count < tails.count {
      let answered = askToPublish(
        tails[count..<min(count + batch, tails.count)], &visit, &refused)
      count += answered
      let isLost = visit.end != nil
      // Some brokers close the connection for what they do not take: halving finds out for what.
      if isLost && answered == 0 && batch == 1 {
        refused.append("\(prefix)\(tails[count])")
        count += 1
      } else if isLost {
        batch = max(1, batch / 2)
      } else if answered == 0 {
        break
      }
      // What is under way stays so: a new connection has a new window.
      guard count == tails.count || reconnect(&visit) else { break }
    }
    visit.close()
    if count < tails.count {
      tellUnknown(
        "the connection ended at \(prefix)\(tails[count])",
        fix: "see the broker's log: some close the connection for a topic that is not allowed",
        &report)
    }
    if !refused.isEmpty {
      report.broken(
        .broker, "\(place): refuses messages on \(refused.words)",
        fix: "let the device write \(prefix)# in the broker's access list")
    } else if count == tails.count {
      report.fine(.broker, "\(place): takes messages on all \(count) topics of the profile")
    }
  }

  private func reconnect(_ visit: inout BrokerVisit) -> Bool {
    visit.dial(broker)
      && visit.connect(
        as: BrokerExamination.clientID(configuration).bytes, at: level,
        user: configuration.words(configuration.uplink.user).bytes, password: password,
        within: patience)
  }

  /// What the agent publishes under, behind the prefix.
  private var tails: [Words] {
    var tails: [Words] = ["status", "history", "outage"]
    if configuration.device.diagnosticsEvery > .zero { tails.append("diag") }
    if configuration.points.contains(where: { $0.kind == .output }) { tails.append("result") }
    if configuration.care.isOn { tails.append("care/result") }
    for point in configuration.points {
      let name = configuration.words(point.name)
      tails.append("state/\(name)")
      if point.report.event { tails.append("event/\(name)") }
    }
    return tails
  }

  /// Finds out whether the broker keeps a message at QoS 2 to itself until it is released; else tells why
  /// the topics are not asked for.
  private func tryOut(_ visit: inout BrokerVisit, _ report: inout Report) -> Bool {
    let topic: Words = "\(prefix)\(Self.trial)"
    var word = Words()
    var refused = NameList()
    visit.countedTopic = topic
    let isGranted = ask(for: Self.trial, &visit, &word) == true
    let before = visit.messageCount
    guard isGranted, askToPublish([Self.trial], &visit, &refused) == 1, refused.isEmpty else {
      tellUnknown(
        "the doctor must be allowed to read and write \(topic), which nobody else uses",
        fix: "let the device read and write \(prefix)# in the broker's access list", &report)
      return false
    }
    guard !hears(&visit, since: before, within: Self.tooEarly) else {
      tellUnknown(
        "the broker hands messages on before they are released",
        fix: "see the broker's log while the agent runs, and its rights for \(prefix)#", &report)
      return false
    }
    visit.isHolding = false
    guard hears(&visit, since: before, within: patience) else {
      tellUnknown(
        """
        it grants a subscription to \(topic), but hands on nothing from there: the device may not read, and \
        would hear no command
        """,
        fix: "let the device read \(prefix)# in the broker's access list, or its cmd/+ at least",
        &report)
      return false
    }
    return true
  }

  /// True once a message has come since there were `count`.
  private func hears(
    _ visit: inout BrokerVisit, since count: Int, within time: Interval
  ) -> Bool {
    let deadline = Clock.now() + time
    while visit.messageCount == count, visit.nextEvent(by: deadline) != nil {}
    return visit.messageCount > count
  }

  /// Sends an empty message at QoS 2 on as many of the topics as there is room for, and hears what PUBREC
  /// says; nothing is released. Returns how many were answered, in order (5.0 section 4.6); those that were
  /// refused join `refused`.
  private func askToPublish(
    _ tails: ArraySlice<Words>, _ visit: inout BrokerVisit, _ refused: inout NameList
  ) -> Int {
    visit.isHolding = false
    var count = 0
    for tail in tails {
      let topic: Words = "\(prefix)\(tail)"
      let identifier = try? visit.session.publish(
        topic: topic.bytes.span, payload: Span(), qos: .exactlyOnce, retain: false,
        token: UInt32(truncatingIfNeeded: count))
      if identifier == nil { break }
      count += 1
    }
    guard count > 0, visit.sendAndHold(within: patience) else { return 0 }
    let deadline = Clock.now() + patience
    var refusedCount = 0
    var answered = 0
    while answered < count, visit.end == nil, Clock.now() < deadline {
      let event = visit.nextEvent(by: Clock.now() + .milliseconds(20))
      if case .acknowledged(let answer)? = event, answer.isFailure {
        refusedCount += 1
        refused.append("\(prefix)\(tails[tails.startIndex + Int(answer.token)])")
      }
      // A message that is taken leaves a PUBREL of four bytes, which waits.
      answered = refusedCount + visit.session.outputCount / 4
    }
    return answered
  }
}
