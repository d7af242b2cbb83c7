import CLinux
import Core
import Dialing
import Linux
import MQTT

/// What has happened, as lines.
extension Driver {
  func tell(_ event: ManagerEvent) {
    switch event {
    case .connected(_, let properties):
      AllocationCount.mark()
      out.begin("ev connected")
      out.field("rc", 0)
      out.field("sp", client?.manager?.session.hasSaidPresent == true ? 1 : 0)
      append(properties)
      out.end()
    case .ended(let cause, let wasOnline, let properties):
      tellEnd(cause, wasOnline: wasOnline, properties)
      client?.noteEnd(cause, wasOnline: wasOnline)
    case .retrying(let wait, let attempt):
      out.begin("ev backoff")
      out.field("ms", Int(wait.milliseconds))
      out.field("attempt", Int(attempt))
      out.end()
    case .fallingBack: break
    case .message(let message): tell(message)
    case .largeMessage(let message, let payloadBytes): begin(message, payloadBytes)
    case .payloadPiece(let piece, let isLast): append(piece, isLast: isLast)
    case .skipped(let bytes):
      out.begin("ev skipped")
      out.field("bytes", bytes)
      out.end()
    case .published(let published): tell(published)
    case .received: break
    case .dropped(let dropped): tell(dropped)
    case .notAsked(let tag, _):
      // A subscription of before, which this server does not take.
      out.begin("ev suback")
      out.field("mid", Int(tag))
      out.field("rc", 128)
      out.end()
    case .granted(_, let granted), .subscribed(let granted):
      tell(granted, isSubscribe: true)
    case .unsubscribed(let granted): tell(granted, isSubscribe: false)
    case .authenticate(let step):
      out.begin("ev auth")
      out.field("rc", Int(step.reason.rawValue))
      append(step.properties)
      out.end()
    }
  }

  private func append(_ properties: V5.Properties) {
    guard !properties.isEmpty else { return }
    client?.manager?.withPacket { bytes in out.append(properties, in: bytes) }
  }

  // MARK: Messages

  private func tell(_ message: IncomingMessage) {
    out.begin("ev msg")
    out.field("mid", Int(message.packetID))
    out.field("qos", Int(message.qos.rawValue))
    out.field("retain", message.retain ? 1 : 0)
    out.field("dup", message.dup ? 1 : 0)
    client?.manager?.withMessage(message) { topic, payload in
      out.field("topic", encoding: topic)
      out.field("payload", encoding: payload)
    }
    append(message.properties)
    out.end()
  }

  private func begin(_ message: IncomingMessage, _ payloadBytes: Int) {
    var head = LargeMessageHead(
      topic: [], packetID: message.packetID, qos: message.qos, retain: message.retain,
      dup: message.dup, properties: [])
    client?.manager?.withMessage(message) { topic, _ in head.topic = [UInt8](copying: topic) }
    if !message.properties.isEmpty {
      client?.manager?.withPacket { bytes in
        head.properties = [UInt8](copying: bytes[message.properties.field])
      }
    }
    // No more is taken on trust than has come.
    large = (head, [])
  }

  private func append(_ piece: Field, isLast: Bool) {
    client?.manager?.withPacket { bytes in
      large?.payload.append(addingCapacity: piece.count) { out in
        out.append(contentsOf: bytes[piece])
      }
    }
    guard isLast, let (head, payload) = large else { return }
    large = nil
    out.begin("ev msg")
    out.field("mid", Int(head.packetID))
    out.field("qos", Int(head.qos.rawValue))
    out.field("retain", head.retain ? 1 : 0)
    out.field("dup", head.dup ? 1 : 0)
    out.field("topic", encoding: head.topic.span)
    out.field("payload", encoding: payload.span)
    out.append(written: head.properties.span)
    out.end()
  }

  private func tell(_ published: ManagerEvent.Published) {
    let reference = settleKept(published.tag) ?? published.tag
    out.begin("ev published")
    out.field("mid", Int(published.packetID))
    out.field("qos", Int(published.qos.rawValue))
    out.field("rc", Int(published.code))
    append(reference: reference)
    append(published.properties)
    out.end()
  }

  private func tell(_ dropped: ManagerEvent.Dropped) {
    guard settleKept(dropped.tag, dropped: dropped.reason) == nil else { return }
    out.begin("ev dropped")
    out.field("mid", Int(dropped.packetID))
    append(reference: dropped.tag)
    let why: StaticString =
      switch dropped.reason {
      case .expired: "expired"
      case .full: "full"
      case .unsendable(.packetTooLarge): "oversize"
      case .unsendable, .connectionLost: "session"
      }
    out.field("why", why)
    out.end()
  }

  func append(reference tag: UInt64) {
    guard tag != 0, let reference = references.removeValue(forKey: tag) else { return }
    out.field("ref", encoding: reference.span)
  }

  private func tell(_ granted: Granted, isSubscribe: Bool) {
    out.begin(isSubscribe ? "ev suback" : "ev unsuback")
    out.field("mid", Int(granted.packetID))
    out.key("rc")
    client?.manager?.withPacket { bytes in
      let codes = bytes[granted.codes]
      for index in codes.indices {
        if index > 0 { out.append(",") }
        out.append(Int(codes[index]))
      }
    }
    // Before 5.0 UNSUBACK has no codes: it means success.
    if granted.codes.count == 0 { out.append(0) }
    append(granted.properties)
    out.end()
  }

  // MARK: Ends

  private func tellEnd(
    _ cause: ConnectionEnd, wasOnline: Bool, _ properties: V5.Properties
  ) {
    let fault = client?.fault
    if cause == .asked || cause == .aborted {
      out.begin("ev closed by=local rc=0")
      if cause == .asked, wasOnline, let reason = client?.manager?.leavingReason {
        out.key("reason")
        out.append(hexByte: reason.rawValue)
      }
    } else if wasOnline {
      tellLoss(cause, fault)
    } else {
      tellFailure(cause, fault)
    }
    append(properties)
    out.end()
    if cause == .transport, let fault { explain(fault) }
  }

  private func tellLoss(_ cause: ConnectionEnd, _ fault: DialFault?) {
    switch cause {
    case .transport:
      out.begin("ev closed")
      out.field("by", fault?.endWord ?? "peer")
      out.field("rc", fault?.driverCode ?? 0)
    case .disconnected(let reason):
      out.begin("ev closed by=peer rc=0")
      out.key("reason")
      out.append(hexByte: reason.rawValue)
    case .session(let fault):
      switch fault {
      case .pingTimedOut: out.begin("ev closed by=keepalive rc=1")
      case .packetTimedOut: out.begin("ev closed by=timeout rc=1")
      default: out.begin("ev closed by=protocol rc=1")
      }
      if client?.manager?.protocolLevel == .v50, let reason = fault.disconnectReason {
        out.key("reason")
        out.append(hexByte: reason.rawValue)
      }
    case .refused, .asked, .aborted, .unopenable: out.begin("ev closed by=local rc=1")
    }
  }

  private func tellFailure(_ cause: ConnectionEnd, _ fault: DialFault?) {
    out.begin("ev connect-failed")
    switch cause {
    case .refused(let refusal):
      out.field("kind", "refused")
      out.field("rc", Int(refusal.code))
    case .disconnected(let reason):
      out.field("kind", "refused")
      out.field("rc", Int(reason.rawValue))
    case .session(.connectTimedOut):
      out.field("kind", "timeout")
      out.field("rc", 1)
    case .session, .asked, .aborted, .unopenable:
      out.field("kind", "protocol")
      out.field("rc", 1)
    case .transport:
      out.field("kind", fault?.driverKind ?? "tcp")
      out.field("rc", fault?.driverCode ?? 1)
    }
  }

  /// The same for people, on standard error.
  private func explain(_ fault: DialFault) {
    var line = [UInt8](capacity: 512) { out in
      out.append(literal: "client: ")
      fault.describe(into: &out)
    }
    line.append(UInt8(ascii: "\n"))
    Terminal.complain(String(decoding: line.dropLast(), as: UTF8.self))
  }

  // MARK: Without a transport

  /// Hands out what a transport would have taken, and when time is wanted.
  func tellPure(_ client: LabClient) {
    var hex: [UInt8] = []
    client.manager?.withOutput(at: client.now) { bytes in
      hex = [UInt8](copying: bytes)
      return bytes.count
    }
    if !hex.isEmpty {
      out.begin("ev out hex=")
      for byte in hex { out.append(hexDigits: byte) }
      out.end()
      // Bytes at QoS 0 have left now.
      client.serve(loop) { event in tell(event) }
    }
    let deadline = client.manager?.deadline ?? .never
    guard deadline != toldDeadline else { return }
    toldDeadline = deadline
    guard deadline != .never else { return }
    out.begin("ev timer")
    out.field("at-ms", Int((deadline.nanoseconds + 999_999) / 1_000_000))
    out.end()
  }
}

extension DialFault {
  /// The word of the line protocol.
  fileprivate var driverKind: StaticString {
    switch self {
    case .nameNotResolved: "dns"
    case .timedOut: "timeout"
    case .tls: "tls"
    case .upgradeFailed, .webSocket: "protocol"
    case .connectFailed, .proxy, .closedByPeer, .broken: "tcp"
    }
  }

  /// Who has ended a connection that was open.
  fileprivate var endWord: StaticString {
    switch self {
    case .broken(code: ETIMEDOUT), .timedOut: "timeout"
    case .webSocket(.failed): "protocol"
    default: "peer"
    }
  }

  fileprivate var driverCode: Int {
    switch self {
    case .webSocket(.closed(let code)): Int(code ?? 0)
    case .nameNotResolved(let code), .connectFailed(let code), .broken(let code):
      Int(code.magnitude)
    case .upgradeFailed(.status(let status)): Int(status)
    case .closedByPeer: 0
    default: 1
    }
  }
}

extension [UInt8] {
  /// A copy of borrowed bytes.
  init(copying bytes: Span<UInt8>) {
    self.init(capacity: bytes.count) { out in out.append(contentsOf: bytes) }
  }
}
