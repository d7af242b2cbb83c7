import CLinux
import Core
import Linux
import MQTT

/// What `pub` does: connects, hands over its messages, waits until the broker has them, leaves.
final class Publisher {
  enum Source {
    case message([UInt8])
    /// Lines of standard input.
    case lines
  }

  /// The longest payload: what a packet has room for beside the longest topic and some properties.
  static let payloadMax = 268_435_455 - 65_535 - 131_072

  private let loop: ClientLoop
  private let topic: [UInt8]
  private let properties: [UInt8]
  private let leavingProperties: [UInt8]
  private let qos: QoS
  private let retain: Bool
  private let source: Source
  /// How many messages wait for the broker before more are read.
  private let outstandingMax: Int
  private var remaining: Int
  private let delay: Interval
  private let isQuiet: Bool
  private let debugs: Bool
  private var input: [UInt8] = []
  private var inputStart = 0
  private var inputEnds = false
  /// Messages that were taken and are not done.
  private var outstanding = 0
  private var nextAt = Instant.boot
  private var wasOnline = false
  private var isLeaving = false
  private var failed = false
  private var status: Int32?

  init(
    _ meaning: ConnectionArguments.Meaning, topic: [UInt8], _ qos: QoS, retain: Bool,
    _ source: Source, times: Int, outstandingMax: Int, delay: Interval, isQuiet: Bool, debugs: Bool
  ) throws {
    let client = LabClient(meaning.settings)
    client.way = meaning.way
    client.options.reconnects = true
    if case .message(let bytes) = source {
      client.sendBytes = max(client.sendBytes, bytes.count + 262_144)
    }
    loop = try ClientLoop(client)
    self.topic = topic
    properties = meaning.properties[.publish]
    leavingProperties = meaning.properties[.disconnect]
    self.qos = qos
    self.retain = retain
    self.source = source
    self.outstandingMax = outstandingMax
    remaining = times
    self.delay = delay
    self.isQuiet = isQuiet
    self.debugs = debugs
  }

  /// Runs to the end; the exit status.
  func run() -> Int32 {
    loop.connect()
    while true {
      loop.serve { event in handle(event) }
      if let status { return status }
      if loop.isInterrupted { interrupt() }
      if feed() { continue }
      leaveWhenDone()
      if loop.client.deadline <= .boot { continue }
      loop.wait(until: isLeaving || outstanding > 0 || !wasOnline ? .never : nextAt)
    }
  }

  // MARK: Messages

  private var isOnline: Bool { loop.client.manager?.isOnline == true }

  /// Hands over what there is room for; true when that was something.
  private func feed() -> Bool {
    guard isOnline, !isLeaving else {
      loop.watchInput(false)
      return false
    }
    switch source {
    case .message(let bytes):
      // The next follows when the one before is delivered.
      guard remaining > 0, outstanding == 0, Clock.now() >= nextAt else { return false }
      guard publish(bytes[...]) else { return false }
      remaining -= 1
      return true
    case .lines: return feedLines()
    }
  }

  private func feedLines() -> Bool {
    var did = false
    while outstanding < outstandingMax, let line = nextLine() {
      guard publish(line) else { return did }
      inputStart = line.endIndex + 1
      did = true
    }
    if inputStart > 1 << 20 || inputStart >= input.count {
      input.removeFirst(min(inputStart, input.count))
      inputStart = 0
    }
    guard outstanding < outstandingMax, !inputEnds else {
      loop.watchInput(false)
      return did
    }
    loop.watchInput(true)
    guard loop.hasInput else { return did }
    if !loop.readInput(into: &input) { inputEnds = true }
    return true
  }

  /// The next line of the input without its end; what is left behind the last one is one, too.
  private func nextLine() -> ArraySlice<UInt8>? {
    let rest = input[min(inputStart, input.count)...]
    if let end = rest.firstIndex(of: UInt8(ascii: "\n")) { return rest[..<end] }
    return inputEnds && !rest.isEmpty ? rest : nil
  }

  /// False when there is no room now.
  private func publish(_ payload: ArraySlice<UInt8>) -> Bool {
    let now = Clock.now()
    let (bytes, name, list) = (payload, topic, properties)
    do throws(PublishError) {
      let message = OutgoingMessage(
        topic: name.span, properties: list.span, payload: bytes.span, qos: qos, retain: retain)
      _ = try loop.client.manager?.publish(message, tag: 1, at: now)
      outstanding += 1
    } catch {
      switch error {
      case .windowFull, .bufferFull, .notConnected: return false
      default:
        // Taken for done: another try would end the same way.
        fail("the message is not taken: \(error.words)")
        nextAt = now + delay
      }
    }
    return true
  }

  private func leaveWhenDone() {
    let isDone: Bool =
      switch source {
      case .message: remaining == 0
      case .lines: inputEnds && inputStart >= input.count
      }
    if isDone, outstanding == 0, wasOnline, !isLeaving { leave() }
  }

  private func leave() {
    isLeaving = true
    let list = leavingProperties
    let now = Clock.now()
    do throws(RequestError) {
      try loop.client.manager?.disconnect(
        reason: .normalDisconnection, properties: list.span, at: now)
    } catch {
      fail("DISCONNECT does not take these properties")
      loop.client.manager?.disconnect(at: now)
    }
  }

  private func interrupt() {
    guard !isLeaving else {
      status = 1
      return
    }
    failed = true
    leave()
  }

  // MARK: Events

  private func handle(_ event: ManagerEvent) {
    switch event {
    case .connected:
      wasOnline = true
      debug("connected")
    case .published(let published):
      done()
      if published.isFailure {
        fail("the broker does not take the message: reason \(published.code)")
      } else if published.code != 0 {
        debug("published, reason \(published.code)")
      } else {
        debug("published")
      }
    case .dropped(let dropped):
      done()
      fail("a message is lost: \(dropped.reason.words)")
    case .ended(let cause, _, _):
      if isLeaving || !wasOnline || cause == .asked {
        if !isLeaving { fail(loop.text(cause)) }
        status = failed ? 1 : 0
      } else if !isQuiet {
        Terminal.complain("sandpiper-lab: \(loop.text(cause)); connecting again")
      }
    case .authenticate:
      fail("the broker wants an authentication that pub does not have")
      leave()
    default: break
    }
  }

  private func done() {
    outstanding -= 1
    nextAt = Clock.now() + delay
  }

  private func fail(_ text: String) {
    failed = true
    if !isQuiet { Terminal.complain("sandpiper-lab: \(text)") }
  }

  private func debug(_ text: String) {
    if debugs { Terminal.complain("pub: \(text)") }
  }
}

extension PublishError {
  /// Why a message is not taken.
  var words: StaticString {
    switch self {
    case .windowFull, .bufferFull: "no room"
    case .packetTooLarge: "it is larger than the broker takes"
    case .notConnected: "no connection"
    case .invalidTopic: "not a topic to publish under"
    case .qosNotSupported: "the broker does not take this QoS"
    case .retainNotSupported: "the broker keeps no messages"
    case .invalidTopicAlias: "the broker does not take this topic alias"
    case .invalidProperties: "properties that a message cannot have"
    }
  }
}

extension ManagerEvent.Dropped.Reason {
  fileprivate var words: StaticString {
    switch self {
    case .expired: "it has waited for too long"
    case .full: "too many wait"
    case .unsendable(let error): error.words
    case .connectionLost: "the connection was lost before it had left"
    }
  }
}
