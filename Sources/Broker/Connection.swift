import Core
import MQTT

/// Names one transport of a broker for as long as it is open.
public struct ConnectionID: Hashable, Sendable {
  let number: UInt32
}

/// One transport and what the broker knows of its other end.
final class Connection {
  let id: ConnectionID
  /// Bytes received and not yet decoded: less than one packet between calls.
  var input: [UInt8] = []
  /// Bytes for the transport; those before `sent` are gone.
  private(set) var output: [UInt8] = []
  private var sent = 0
  /// The version that the client speaks, by its first bytes; a guess before.
  private(set) var dialect: any Dialect = DialectV3()
  private var isDialectKnown = false
  /// The client's session; nil before CONNECT was accepted and after the end.
  var session: Session?
  /// The authentication that goes on; nil for none.
  var exchange: Exchange?
  /// The authentication method of CONNECT; nil for none.
  var method: [UInt8]?
  /// What is published when the client is lost.
  var will: ConnectRequest.Will?
  /// QoS 1 and 2 messages that the client takes at once.
  private(set) var receiveMaximum = Int(UInt16.max)
  /// The topics that the client has given numbers (5.0 section 3.3.2.3.4).
  private var topicAliases: [UInt16: [UInt8]] = [:]
  /// One and a half keep-alives; nil without supervision.
  var silenceMax: Interval?
  let openedAt: Instant
  /// When the last packet came.
  var lastReceived: Instant
  /// When nothing further is received any more, and the transport is to be closed after the output.
  var finishedAt: Instant?
  /// An answer was longer than the client takes, so that nothing more can be said.
  private(set) var isUnanswerable = false

  /// A step by step authentication, of a CONNECT that waits for it, or of a client that is connected.
  struct Exchange {
    var authenticator: any Authenticator
    var connect: ConnectRequest?
    /// The name in `connect` was made up here.
    var isNameless = false
  }

  init(id: ConnectionID, at now: Instant) {
    self.id = id
    openedAt = now
    lastReceived = now
  }

  /// Its output or end has to be looked at; the broker's to set.
  var isActive = false

  /// True once the connection has come to its end.
  var isFinished: Bool { finishedAt != nil }

  // MARK: Input

  /// The request that begins at `start` of the input; nil while it is not whole.
  func request(at start: Int, _ limits: BrokerLimits) throws(DecodeError) -> Request.Decoded? {
    let bytes = input
    let rest = bytes.span.extracting(start..<bytes.count)
    if !isDialectKnown {
      guard let spoken = try Broker.dialect(ofFirst: rest, limits.levels) else { return nil }
      dialect = spoken
      isDialectKnown = true
    }
    return try dialect.decode(rest, packetBytesMax: limits.packetBytesMax)
  }

  /// Keeps to what the client has said about itself.
  func agree(to connect: ConnectRequest, _ limits: BrokerLimits) {
    dialect.agree(to: connect, limits)
    receiveMaximum = connect.receiveMaximum
    method = connect.method
  }

  /// The topic of a message, which an alias may stand for, or be given to from now on (5.0 section
  /// 3.3.2.3.4).
  func topic(of publish: PublishRequest, aliasMax: UInt16) throws(Violation) -> [UInt8] {
    guard let alias = publish.topicAlias else { return publish.message.topic }
    guard alias <= aliasMax else { throw Violation(reason: .topicAliasInvalid) }
    if !publish.message.topic.isEmpty { topicAliases[alias] = publish.message.topic }
    guard let topic = topicAliases[alias] else { throw Violation(reason: .protocolError) }
    return topic
  }

  /// Why a packet that is no wrong one by itself ends the connection.
  struct Violation: Error {
    let reason: V5.DisconnectReason
  }

  // MARK: Output

  /// Bytes that wait for the transport.
  var outputCount: Int { output.count - sent }

  /// The bytes that wait.
  var waiting: ArraySlice<UInt8> { output[sent...] }

  /// Lends the bytes that wait to a transport that takes them all.
  func lendOutput(_ body: (Span<UInt8>) -> Void) {
    do {
      let bytes = output
      let span = bytes.span
      body(span.extracting(sent..<span.count))
    }
    consume(outputCount)
  }

  /// The transport has taken `count` bytes.
  func consume(_ count: Int) {
    sent += count
    precondition(sent <= output.count, "more sent than there was")
    if sent == output.count {
      output.removeAll(keepingCapacity: true)
      sent = 0
    } else if sent > 65_536 {
      output.removeFirst(sent)
      sent = 0
    }
  }

  /// The transport will not take what waits.
  func discardOutput() {
    output = []
    sent = 0
  }

  /// Says what the dialect has written; an answer that the client does not take cannot be left out.
  func say(_ packet: [UInt8]?) {
    guard let packet else {
      isUnanswerable = true
      return
    }
    output += packet
  }

  /// Sends the message; false when it is longer than the client takes.
  func publish(_ delivery: Delivery, packetID: UInt16, dup: Bool, at now: Instant) -> Bool {
    guard let packet = dialect.publish(delivery, packetID: packetID, dup: dup, at: now) else {
      return false
    }
    output += packet
    return true
  }
}
