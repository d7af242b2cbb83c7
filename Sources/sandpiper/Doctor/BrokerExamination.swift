import Core
import Device
import Dialing
import Linux
import LinuxAgent
import MQTT
import Profile
import Uplink

/// The way to each broker, step by step, and what it lets the device do.
///
/// The doctor comes under an identifier of its own, the device's with "-doctor" behind it, so that an agent
/// that runs keeps its session; with no will, and a session that ends with the connection.
struct BrokerExamination {
  private let configuration: Configuration
  private let dial: DialSpec
  /// How long the broker may take for an answer.
  private let patience: Interval
  private let broker: Int
  /// The host of the broker, or of the server that it has sent us to.
  private var host: Words
  /// Begins each text: where that is.
  private var place: Words
  /// Where the broker has sent us; nil at the broker itself.
  private var reference: ServerReference?
  /// References that were followed so far.
  private var hops = 0

  /// No step takes longer, whatever the profile says.
  private static let stepMax = Interval.seconds(10)
  /// Before a certificate's end somebody has to be told.
  private static let daysMin: Int64 = 21
  /// As many references as the agent follows in a row.
  private static let hopsMax = 3

  static func perform(_ configuration: Configuration, _ report: inout Report) {
    for broker in 0..<configuration.uplink.dial.brokerCount {
      BrokerExamination(configuration, broker).perform(&report)
    }
  }

  private init(_ configuration: Configuration, _ broker: Int) {
    self.configuration = configuration
    self.broker = broker
    var dial = configuration.uplink.dial
    dial.resolveTimeout = min(dial.resolveTimeout, Self.stepMax)
    dial.connectTimeout = min(dial.connectTimeout, Self.stepMax)
    dial.proxyTimeout = min(dial.proxyTimeout, Self.stepMax)
    dial.tlsTimeout = min(dial.tlsTimeout, Self.stepMax)
    dial.webSocketTimeout = min(dial.webSocketTimeout, Self.stepMax)
    self.dial = dial
    patience = min(configuration.uplink.replyTimeout, Self.stepMax)
    let endpoint = dial.broker(broker)
    host = configuration.words(endpoint.host)
    place =
      endpoint.kind == .unix
      ? configuration.words(endpoint.path) : "\(host):\(Int(endpoint.port))"
  }

  private func perform(_ report: inout Report) {
    guard let password = readPassword(&report) else { return }
    guard var visit = try? BrokerVisit(dial, texts: configuration.texts.span) else {
      report.broken(
        .broker, "\(place): no memory or no descriptor is left to connect with",
        fix: "end other programs; see `ulimit -n`")
      return
    }
    var there = self
    while !there.examine(&visit, password, &report), let next = there.next(visit) {
      visit.reference = next
      there.turn(to: next)
    }
    visit.endForGood()
  }

  /// False when we were not let in.
  @inline(never)
  private func examine(
    _ visit: inout BrokerVisit, _ password: [UInt8], _ report: inout Report
  ) -> Bool {
    guard reach(&visit, &report), let level = login(&visit, password, &report) else { return false }
    let rights = RightsExamination(
      configuration, place, broker: broker, level: level, password: password, patience: patience)
    rights.perform(&visit, &report)
    return true
  }

  /// The password; nil, and that told, when its file cannot be read.
  private func readPassword(_ report: inout Report) -> [UInt8]? {
    let file = configuration.words(configuration.uplink.passwordFile)
    guard !file.isEmpty else { return [] }
    do throws(SystemError) {
      let password: FixedText<512> = try File.firstLine(of: file.bytes.span)
      return Words(password).bytes
    } catch {
      report.broken(
        .broker,
        "\(place): the password file \(file) cannot be read: \(SystemText.reason(error.code))",
        fix: "see broker.passwordFile, and that user \(SystemText.user) may read it")
      return nil
    }
  }

  // MARK: Name, TCP, proxy, TLS, WebSocket

  /// Opens the way and tells of it; false when there is none.
  @inline(never)
  private func reach(_ visit: inout BrokerVisit, _ report: inout Report) -> Bool {
    let start = Clock.now()
    guard visit.dial(broker) else {
      if case .dial(let fault)? = visit.end { tell(of: fault, at: step(of: fault), &report) }
      return false
    }
    var text: Words = "\(place): reached"
    if let peer = visit.peer {
      text.append(" at \(Words(upTo: 56) { out in peer.description(into: &out) })")
    }
    if dial.proxy != nil { text.append(", the proxy") }
    report.fine(.broker, "\(text), in \((Clock.now() - start).milliseconds) ms")
    guard dial.endpoint.kind.usesTLS else { return true }
    if dial.tls.insecure {
      report.worthKnowing(
        .broker, "\(place): TLS with anybody: \"insecure\" has no certificate verified",
        fix: "take broker.tls.insecure out, and name the authority's file in broker.tls.ca")
    }
    if let end = visit.serverCertificateEnds {
      tell(of: end, "\(place): \(visit.tls), the broker's certificate", &report)
    }
    if let end = visit.ownCertificateEnds {
      tell(of: end, "\(place): our certificate", &report)
    }
    return true
  }

  private func tell(of end: WallTime, _ text: Words, _ report: inout Report) {
    let days = (end - Clock.moment().wall).seconds / 86_400
    guard days < Self.daysMin else { return report.fine(.broker, "\(text) ends in \(days) days") }
    report.worthKnowing(
      .broker, "\(text) ends in \(max(0, days)) days", fix: "have a new one made before that")
  }

  /// Where the way has ended.
  private func step(of fault: DialFault) -> Words {
    dial.endpoint.kind == .unix ? "socket" : fault.step
  }

  @inline(never)
  private func tell(of fault: DialFault, at step: Words, _ report: inout Report) {
    var text: Words =
      "\(place): \(step): \(Words(upTo: 400) { out in fault.describe(into: &out) })"
    if case .tls(let tls) = fault {
      if let setting = tls.setting, !dial.tls[setting].isEmpty {
        text.append(": ")
        ProfileTexts.withPool(of: configuration) { texts in
          text.append(
            Words(upTo: 1024) { out in dial.tls.describe(setting, texts: texts, into: &out) })
        }
      }
      if case .expired(depth: 0) = tls, let days = daysSinceEnd() {
        text.append("; it ended \(days) days ago")
      }
    }
    let host = dial.proxy.map { configuration.words($0.host) } ?? host
    report.broken(.broker, text, fix: fault.remedy(host: host, place: place))
  }

  /// Looks at an expired certificate again, without verifying it: a handshake, and nothing after it. Our own
  /// certificate is not shown.
  private func daysSinceEnd() -> Int64? {
    var dial = dial
    dial.tls = TLSSpec(host: dial.tls.host)
    dial.tls.insecure = true
    guard var visit = try? BrokerVisit(dial, texts: configuration.texts.span) else { return nil }
    visit.reference = reference
    let end = visit.dial(broker) ? visit.serverCertificateEnds : nil
    visit.endForGood()
    return end.map { (Clock.moment().wall - $0).seconds / 86_400 }
  }

  // MARK: CONNECT

  /// Opens a session, with an older version where the broker does not speak the one that is wanted. The
  /// version that it speaks; nil when there is no session.
  private func login(
    _ visit: inout BrokerVisit, _ password: [UInt8], _ report: inout Report
  ) -> ProtocolLevel? {
    var versions = configuration.uplink.version
    let clientID = Self.clientID(configuration)
    let user = configuration.words(configuration.uplink.user).bytes
    while true {
      let level = versions.level
      if visit.connect(
        as: clientID.bytes, at: level, user: user, password: password, within: patience)
      {
        report.fine(.broker, "\(place): accepts \(clientID), with MQTT \(literal: level.word)")
        return level
      }
      guard let end = visit.end else { return nil }
      if let sentTo = visit.sentTo {
        tell(of: sentTo, isFollowed: next(visit) != nil, &report)
        return nil
      }
      _ = versions.ended(VersionChoice.Outcome(end))
      guard versions.level.rawValue < level.rawValue, visit.dial(broker) else {
        tell(of: end, clientID, &report)
        return nil
      }
    }
  }

  private func tell(of end: LinkFault, _ clientID: Words, _ report: inout Report) {
    let step: Words = "CONNECT as \(clientID)"
    switch end {
    // With TLS 1.3 a server says only now that it wants another certificate of ours, or one at all.
    case .dial(let fault): tell(of: fault, at: step, &report)
    case .refused(let refusal):
      report.broken(
        .broker, "\(place): \(step): refused, \(literal: refusal.words)",
        fix: "\(literal: end.remedy)")
    default:
      report.broken(
        .broker, "\(place): \(step): \(literal: end.slug)",
        fix: "is it an MQTT broker that listens there? Its log may say more")
    }
  }

  // MARK: Another server

  /// Where the broker has sent us, when the agent would go there.
  @inline(never)
  private func next(_ visit: borrowing BrokerVisit) -> ServerReference? {
    configuration.uplink.followsReferences && hops < Self.hopsMax ? visit.sentTo : nil
  }

  @inline(never)
  private mutating func turn(to next: ServerReference) {
    reference = next
    host = Words(next.host)
    place = text(next)
    hops += 1
  }

  @inline(never)
  private func text(_ reference: ServerReference) -> Words {
    let port = reference.port == 0 ? dial.endpoint.kind.defaultPort : reference.port
    return "\(Words(reference.host)):\(Int(port))"
  }

  private func tell(
    of reference: ServerReference, isFollowed: Bool, _ report: inout Report
  ) {
    let text: Words = "\(place): sends devices on to \(text(reference))"
    guard !isFollowed else { return report.fine(.broker, text) }
    report.broken(
      .broker, text,
      fix: configuration.uplink.followsReferences
        ? "the agent follows \(Self.hopsMax) references in a row: do they lead round in a circle?"
        : "name that server in broker.url, or let broker.followReference be true")
  }

  /// The device's identifier with "-doctor" behind it.
  static func clientID(_ configuration: Configuration) -> Words {
    "\(configuration.words(configuration.device.id))-doctor"
  }
}
