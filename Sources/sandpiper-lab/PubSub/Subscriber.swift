import CLinux
import Core
import Linux
import MQTT

/// What `sub` does: connects, subscribes, and prints what comes until there is a reason to end.
final class Subscriber {
  /// What is wanted.
  struct Wish {
    var filters: [[UInt8]] = []
    var unsubscribed: [[UInt8]] = []
    var filteredOut: [[UInt8]] = []
    var qos = QoS.atMostOnce
    /// Messages after which to end.
    var count: Int?
    var timeout: Interval?
    var endsWhenSubscribed = false
    var skipsRetained = false
    var retainedOnly = false
    var endsLines = true
    var form: MessageFormat
    var isQuiet = false
    var debugs = false
  }

  /// The exit status when the time of -W is over, Mosquitto's MOSQ_ERR_TIMEOUT.
  private static let timedOutStatus: Int32 = 27

  private let loop: ClientLoop
  private let wish: Wish
  private let properties: PropertyArguments
  private let level: ProtocolLevel
  private var out = OutputText()
  private var assembly = MessageAssembly()
  private var endsAt = Instant.never
  private var wasOnline = false
  private var isLeaving = false
  private var count = 0
  private var requests: Set<UInt16> = []
  private var granted = 0
  private var status: Int32?
  /// What `status` becomes once the connection has ended.
  private var leavingStatus: Int32 = 0

  init(_ meaning: ConnectionArguments.Meaning, _ wish: Wish) throws {
    let client = LabClient(meaning.settings)
    client.way = meaning.way
    client.options.reconnects = true
    loop = try ClientLoop(client)
    self.wish = wish
    properties = meaning.properties
    level = meaning.settings.level
  }

  /// Runs to the end; the exit status.
  func run() -> Int32 {
    loop.connect()
    while true {
      loop.serve { event in handle(event) }
      guard out.flush() else { return 1 }
      if let status { return status }
      if loop.isInterrupted { interrupt() }
      if Clock.now() >= endsAt, !isLeaving { leave(Self.timedOutStatus) }
      if loop.client.deadline <= .boot { continue }
      if isLeaving && loop.client.manager?.isIdle == true { return leavingStatus }
      loop.wait(until: isLeaving ? .never : endsAt)
    }
  }

  private func interrupt() {
    guard !isLeaving else {
      status = leavingStatus
      return
    }
    leave(0)
  }

  private func leave(_ code: Int32) {
    guard !isLeaving else { return }
    isLeaving = true
    leavingStatus = code
    let list = properties[.disconnect]
    let now = Clock.now()
    do throws(RequestError) {
      try loop.client.manager?.disconnect(
        reason: .normalDisconnection, properties: list.span, at: now)
    } catch {
      loop.client.manager?.disconnect(at: now)
    }
  }

  // MARK: Events

  private func handle(_ event: ManagerEvent) {
    switch event {
    case .connected:
      if !wasOnline, let timeout = wish.timeout { endsAt = Clock.now() + timeout }
      wasOnline = true
      debug("connected")
      subscribe()
    case .message, .largeMessage, .payloadPiece:
      if let message = assembly.take(event, loop.client) { take(message) }
    case .subscribed(let answer): note(answer)
    case .unsubscribed(let answer):
      requests.remove(answer.packetID)
      endWhenSubscribed()
    case .ended(let cause, _, _): noteEnd(cause)
    case .authenticate:
      complain("the broker wants an authentication that sub does not have")
      leave(1)
    default: break
    }
  }

  private func noteEnd(_ cause: ConnectionEnd) {
    requests = []
    assembly = MessageAssembly()
    if isLeaving {
      status = leavingStatus
    } else if !wasOnline {
      complain(loop.text(cause))
      status = 1
    } else {
      complain(loop.text(cause) + "; connecting again")
    }
  }

  // MARK: Subscriptions

  private func subscribe() {
    granted = 0
    do throws(RequestError) {
      for filter in wish.filters {
        requests.insert(try ask(filter, isSubscribe: true))
      }
      for filter in wish.unsubscribed {
        requests.insert(try ask(filter, isSubscribe: false))
      }
    } catch {
      complain("not subscribed: \(error.words)")
      leave(1)
    }
  }

  private func ask(_ filter: [UInt8], isSubscribe: Bool) throws(RequestError) -> UInt16 {
    let list = properties[isSubscribe ? .subscribe : .unsubscribe]
    let qos = wish.qos
    let isV5 = level == .v50
    var isWritten = true
    let filters = [UInt8](capacity: filter.count + 3) { out in
      do throws(EncodeError) {
        if !isSubscribe {
          try Unsubscribe.append(filter: filter.span, to: &out)
        } else if isV5 {
          try V5.Subscribe.append(
            filter: filter.span, options: V5.SubscriptionOptions(qos: qos), to: &out)
        } else {
          try Subscribe.append(filter: filter.span, qos: qos, to: &out)
        }
      } catch { isWritten = false }
    }
    guard isWritten, let packetID = try request(filters, list, isSubscribe: isSubscribe) else {
      throw .invalidFilter
    }
    return packetID
  }

  private func request(
    _ filters: [UInt8], _ list: [UInt8], isSubscribe: Bool
  ) throws(RequestError) -> UInt16? {
    isSubscribe
      ? try loop.client.manager?.subscribe(filters: filters.span, properties: list.span)
      : try loop.client.manager?.unsubscribe(filters: filters.span, properties: list.span)
  }

  private func note(_ answer: Granted) {
    requests.remove(answer.packetID)
    var codes: [UInt8] = []
    loop.client.manager?.withPacket { bytes in codes = [UInt8](copying: bytes[answer.codes]) }
    for code in codes {
      if code < 0x80 {
        granted += 1
        debug("subscribed at QoS \(code)")
      } else {
        complain("the broker does not grant a subscription (code \(code))")
      }
    }
    if requests.isEmpty && granted == 0 && !wish.filters.isEmpty { return leave(1) }
    endWhenSubscribed()
  }

  private func endWhenSubscribed() {
    if wish.endsWhenSubscribed, requests.isEmpty { leave(0) }
  }

  // MARK: Messages

  private func take(_ message: ReceivedMessage) {
    guard !isLeaving else { return }
    if message.retain ? wish.skipsRetained : wish.retainedOnly {
      if wish.retainedOnly { leave(0) }
      return
    }
    for filter in wish.filteredOut
    where TopicFilter.matches(filter: filter.span, topic: message.topic.span) {
      return
    }
    if wish.form.append(message, to: &out.bytes) {
      if wish.endsLines { out.bytes.append(UInt8(ascii: "\n")) }
    } else {
      complain(
        "the payload is no JSON; topic "
          + String(decoding: message.topic, as: UTF8.self))
    }
    count += 1
    if count == wish.count { leave(0) }
  }

  private func complain(_ text: String) {
    if !wish.isQuiet { Terminal.complain("sandpiper-lab: \(text)") }
  }

  private func debug(_ text: String) {
    if wish.debugs { Terminal.complain("sub: \(text)") }
  }
}

/// Bytes for standard output.
private struct OutputText {
  var bytes: [UInt8] = []

  /// Writes all of it; false when nobody reads any more.
  mutating func flush() -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = unsafe bytes.withUnsafeBufferPointer { all in
        // Sound: the call only reads the bytes.
        let rest = unsafe UnsafeBufferPointer(rebasing: all[sent...])
        return unsafe write(STDOUT_FILENO, rest.baseAddress, rest.count)
      }
      guard count > 0 || clinux_errno() == EINTR else { return false }
      sent += max(0, count)
    }
    bytes.removeAll(keepingCapacity: true)
    return true
  }
}

extension RequestError {
  fileprivate var words: StaticString {
    switch self {
    case .windowFull, .bufferFull: "no room"
    case .packetTooLarge: "it is larger than the broker takes"
    case .notConnected: "no connection"
    case .invalidFilter: "not a topic filter"
    case .invalidOptions: "options that cannot be"
    case .invalidProperties: "properties that a subscription cannot have"
    case .wildcardsNotSupported: "the broker takes no wildcards"
    case .sharedNotSupported: "the broker takes no shared subscriptions"
    case .identifiersNotSupported: "the broker takes no subscription identifiers"
    case .unsupportedLevel: "this version of MQTT does not have that"
    }
  }
}
